package interop;

import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/** Producers that go on sending in the background, whatever happens to the broker. */
final class Flowing {
    private final Map<String, Flow> flows = new HashMap<>();

    /** Sends {@code <body>-<i>} one after the other, {@code pause} milliseconds apart, until stopped. */
    void start(Command command) throws Exception {
        DefaultMQProducer producer = new DefaultMQProducer(command.text("group"));
        Producing.configure(producer, command);
        producer.setSendMsgTimeout(command.number("timeout", 2000));
        producer.start();
        Flow flow = new Flow(command, producer);
        flows.put(command.text("id"), flow);
        flow.start();
    }

    /** Ends a flow and prints how it went; every acknowledged message was printed as sent before. */
    void stop(Command command) throws Exception {
        Flow flow = flows.remove(command.text("id"));
        flow.isOver = true;
        flow.join();
        flow.producer.shutdown();
        Events.print(
            "flow-ended",
            "id", command.text("id"),
            "acknowledged", flow.acknowledged,
            "failed", flow.failed);
    }

    private static final class Flow extends Thread {
        private final Command command;
        private final DefaultMQProducer producer;
        private volatile boolean isOver;
        private int acknowledged;
        private int failed;

        Flow(Command command, DefaultMQProducer producer) {
            this.command = command;
            this.producer = producer;
            setDaemon(true);
        }

        @Override
        public void run() {
            try {
                for (int i = 0; !isOver; i++) {
                    sendOne(i);
                    Thread.sleep(command.number("pause", 5));
                }
            } catch (InterruptedException end) {
                Thread.currentThread().interrupt();
            }
        }

        private void sendOne(int i) throws InterruptedException {
            Message message = Producing.message(command, i);
            try {
                SendResult result = producer.send(message);
                if (result.getSendStatus() == SendStatus.SEND_OK) {
                    acknowledged++;
                    Events.print("flowed", "id", command.text("id"), "body", new String(message.getBody()));
                    return;
                }
            } catch (InterruptedException interrupted) {
                throw interrupted;
            } catch (Exception failure) {
                // Counted; whether it arrived is not known.
            }
            failed++;
        }
    }
}
