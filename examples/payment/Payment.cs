// Whether a card number may be spoken: docs/payment-systems.md. .NET 8, no package.
using System;
using System.Diagnostics;
using System.Net;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;

public sealed class Payment
{
    readonly string api;
    readonly HttpClient http;

    /// <summary>"https://…:8080/attendantservice/api/recording", and a token or an empty string.</summary>
    public Payment(string api, string token)
    {
        this.api = api;
        // Another host must not get the token, nor answer for this one.
        http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        if (token != "") http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>The state if the reply says that the request was carried out, else -1.</summary>
    async Task<int> Ask(HttpMethod method, string path, string body, TimeSpan left)
    {
        var wait = TimeSpan.FromMilliseconds(Math.Max(1, Math.Min(2000, left.TotalMilliseconds)));
        try
        {
            using (var late = new CancellationTokenSource(wait))
            using (var request = new HttpRequestMessage(method, api + "/" + path))
            {
                if (method == HttpMethod.Post) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
                using (var response = await http.SendAsync(request, late.Token))
                using (var reply = JsonDocument.Parse(await response.Content.ReadAsStringAsync()))
                {
                    var error = reply.RootElement.GetProperty("ErrorMessage").ValueKind;
                    if (response.StatusCode != HttpStatusCode.OK || error != JsonValueKind.Null) return -1;
                    return reply.RootElement.GetProperty("RecordingState").GetInt32();
                }
            }
        }
        catch (Exception) // no reply, a late one, or no reply of this API
        {
            return -1;
        }
    }

    /// <summary>Pauses, and returns whether the stored state is one in which nothing is recorded.</summary>
    public async Task<bool> MaySpeakTheNumber(string ucc, string session, string agent, double patience)
    {
        var pause = JsonSerializer.Serialize(new { Action = "Pause", RequesterSipUri = agent, CorrelationId = session, UCCName = ucc });
        var path = Uri.EscapeDataString(ucc) + "/" + Uri.EscapeDataString(session);
        var end = TimeSpan.FromSeconds(patience);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < end)
        {
            if (await Ask(HttpMethod.Post, "set", pause, end - clock.Elapsed) == 3) return true;
            var state = await Ask(HttpMethod.Get, path, "", end - clock.Elapsed);
            if (state == 0 || state == 2 || state == 3) return true;
            await Task.Delay(200);
        }
        return false; // the card number must not be spoken
    }

    /// <summary>dotnet run API UCC SESSION AGENT</summary>
    public static async Task<int> Main(string[] words)
    {
        var payment = new Payment(words[0], Environment.GetEnvironmentVariable("RECORDING_TOKEN") ?? "");
        return await payment.MaySpeakTheNumber(words[1], words[2], words[3], 6) ? 0 : 1;
    }
}
