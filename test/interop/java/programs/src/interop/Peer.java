package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * An official client that a spec steers: one command per line on standard input, one JSON object per
 * event on standard output. Several producers and consumers live in one JVM, so that a whole list of
 * behaviours costs one start.
 */
public final class Peer {
    private Peer() {
    }

    public static void main(String[] args) throws Exception {
        Producing producing = new Producing();
        Transactions transactions = new Transactions();
        Consuming consuming = new Consuming(producing);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Events.print("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.isBlank()) {
                continue;
            }
            Command command = new Command(line);
            try {
                run(command, producing, transactions, consuming);
                Events.print("done", "verb", command.verb, "id", command.text("id", ""));
            } catch (Throwable failure) {
                Throwable cause = failure.getCause() == null ? failure : failure.getCause();
                Events.print(
                    "failed",
                    "verb", command.verb,
                    "id", command.text("id", ""),
                    "type", failure.getClass().getSimpleName(),
                    "message", String.valueOf(failure.getMessage()),
                    "cause", String.valueOf(cause.getMessage()));
            }
            if ("quit".equals(command.verb)) {
                break;
            }
        }
        System.exit(0);
    }

    private static void run(
        Command command, Producing producing, Transactions transactions, Consuming consuming)
        throws Exception {
        switch (command.verb) {
            case "producer":
                producing.start(command);
                return;
            case "send":
                producing.send(command);
                return;
            case "batch":
                producing.sendBatch(command);
                return;
            case "request":
                producing.request(command);
                return;
            case "topic":
                producing.createTopic(command);
                return;
            case "ask":
                producing.ask(command);
                return;
            case "transaction-producer":
                transactions.start(command);
                return;
            case "transaction":
                transactions.send(command);
                return;
            case "push":
                consuming.startPush(command);
                return;
            case "lite":
                consuming.pollLite(command);
                return;
            case "queues":
                consuming.printQueues(command);
                return;
            case "admin":
                AdminShell.run(command);
                return;
            case "group-config":
                AdminShell.readGroupConfig(command);
                return;
            case "stop":
                if (!producing.stop(command) && !transactions.stop(command) && !consuming.stop(command)) {
                    throw new IllegalArgumentException("nothing is named " + command.text("id"));
                }
                return;
            case "quit":
                producing.stopAll();
                transactions.stopAll();
                consuming.stopAll();
                return;
            default:
                throw new IllegalArgumentException("unknown verb " + command.verb);
        }
    }
}
