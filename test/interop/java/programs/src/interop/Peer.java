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
        Pulling pulling = new Pulling();
        Flowing flowing = new Flowing();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Events.print("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            if (line.isBlank()) {
                continue;
            }
            Command command = new Command(line);
            try {
                if (!runPulling(command, pulling, flowing)) {
                    run(command, producing, transactions, consuming);
                }
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
                pulling.stopAll();
                break;
            }
        }
        System.exit(0);
    }

    /** False when the verb is not one of these. */
    private static boolean runPulling(Command command, Pulling pulling, Flowing flowing)
        throws Exception {
        switch (command.verb) {
            case "lite-open":
                pulling.openLite(command);
                return true;
            case "lite-poll":
                pulling.poll(command);
                return true;
            case "lite-commit":
                pulling.commit(command);
                return true;
            case "lite-seek":
                pulling.seek(command);
                return true;
            case "lite-committed":
                pulling.printCommitted(command);
                return true;
            case "puller":
                pulling.openPuller(command);
                return true;
            case "pull":
                pulling.pull(command);
                return true;
            case "store-offset":
                pulling.storeOffset(command);
                return true;
            case "flow":
                flowing.start(command);
                return true;
            case "flow-stop":
                flowing.stop(command);
                return true;
            case "stop":
                return pulling.stop(command);
            default:
                return false;
        }
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
            case "shares":
                consuming.printShares();
                return;
            case "admin":
                AdminShell.run(command);
                return;
            case "admin-call":
                AdminCalls.call(command);
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
