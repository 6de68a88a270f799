// Whether a card number may be spoken: docs/payment-systems.md. Java 17 or newer, no package.
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

public final class Payment {
    // A member of a JSON object whose value has no members of its own.
    private static final Pattern MEMBER = Pattern.compile("""
        [ \\t\\r\\n]*+("(?:[^"\\\\\\x00-\\x1f]++|\\\\.)*+")[ \\t\\r\\n]*+:[ \\t\\r\\n]*+\
        ("(?:[^"\\\\\\x00-\\x1f]++|\\\\.)*+"|-?[0-9]++|null|true|false)[ \\t\\r\\n]*+([,}])""");
    // HTTP/1.1, and by default no redirects: another host must not get the token, nor answer for this one.
    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    private final String api, token;

    /** "https://…:8080/attendantservice/api/recording", and a token or null. */
    public Payment(String api, String token) { this.api = api; this.token = token; }

    /** The state if the reply says that the request was carried out, else null. */
    private String ask(String path, String body, long end) {
        try {
            var request = HttpRequest.newBuilder(URI.create(api + "/" + path)).header("Content-Type", "application/json");
            if (token != null) request.header("Authorization", "Bearer " + token);
            if (body != null) request.POST(HttpRequest.BodyPublishers.ofString(body));
            var sent = http.sendAsync(request.build(), HttpResponse.BodyHandlers.ofString(StandardCharsets.UTF_8));
            try {
                var response = sent.get(Math.min(2_000_000_000L, end - System.nanoTime()), TimeUnit.NANOSECONDS);
                var reply = members(response.body());
                return response.statusCode() == 200 && "null".equals(reply.get("\"ErrorMessage\"")) ? reply.get("\"RecordingState\"") : null;
            } finally {
                sent.cancel(true);
            }
        } catch (Exception none) { // no reply, a late one, or no reply of this API
            return null;
        }
    }

    /** The members of a flat JSON object, as they are written; of anything else none. A success is flat: it has no error. */
    private static Map<String, String> members(String text) {
        var found = new HashMap<String, String>();
        var member = MEMBER.matcher(text.strip());
        if (text.length() > 4096 || !text.strip().startsWith("{")) return Map.of();
        for (int at = 1; member.find(at) && member.start() == at; at = member.end()) {
            if (found.put(member.group(1), member.group(2)) != null) return Map.of();
            if (member.group(3).equals("}")) return member.end() == text.strip().length() ? found : Map.of();
        }
        return Map.of();
    }

    private static String json(String text) {
        var out = new StringBuilder("\"");
        for (char c : text.toCharArray()) out.append(c < ' ' || c == '"' || c == '\\' ? String.format("\\u%04x", (int) c) : c);
        return out.append('"').toString();
    }

    private static String coded(String part) { return URLEncoder.encode(part, StandardCharsets.UTF_8).replace("+", "%20"); }

    /** Pauses, and returns whether the stored state is one in which nothing is recorded. */
    public boolean maySpeakTheNumber(String ucc, String session, String agent, double patience) throws InterruptedException {
        var pause = "{\"Action\":\"Pause\",\"RequesterSipUri\":%s,\"CorrelationId\":%s,\"UCCName\":%s}".formatted(json(agent), json(session), json(ucc));
        long end = System.nanoTime() + (long) (patience * 1e9);
        while (System.nanoTime() < end) {
            if ("3".equals(ask("set", pause, end))) return true;
            var state = ask(coded(ucc) + "/" + coded(session), null, end);
            if ("0".equals(state) || "2".equals(state) || "3".equals(state)) return true;
            Thread.sleep(200);
        }
        return false; // the card number must not be spoken
    }

    /** java Payment.java API UCC SESSION AGENT */
    public static void main(String[] words) throws InterruptedException {
        var payment = new Payment(words[0], System.getenv("RECORDING_TOKEN"));
        System.exit(payment.maySpeakTheNumber(words[1], words[2], words[3], 6) ? 0 : 1);
    }
}
