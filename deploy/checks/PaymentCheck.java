// Asks the client in Java as lines say: number, API, token, UCC, session, agent, patience; answers number and true or false.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

final class PaymentCheck {
    public static void main(String[] none) throws Exception {
        var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = lines.readLine()) != null; ) {
            var words = line.split("\t", -1);
            new Thread(() -> {
                try {
                    var payment = new Payment(words[1], words[2].isEmpty() ? null : words[2]);
                    System.out.println(words[0] + "\t" + payment.maySpeakTheNumber(words[3], words[4], words[5], Double.parseDouble(words[6])));
                } catch (InterruptedException none_) {
                    throw new IllegalStateException(none_);
                }
            }).start();
        }
    }
}
