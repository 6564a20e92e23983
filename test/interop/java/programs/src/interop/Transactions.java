package interop;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.producer.TransactionSendResult;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Transactional producers whose verdicts travel as properties of the message. */
final class Transactions {
    private final Map<String, TransactionMQProducer> producers = new HashMap<>();

    void start(Command command) throws Exception {
        String id = command.text("id");
        String group = command.text("group");
        TransactionMQProducer producer = command.flag("trace")
            ? new TransactionMQProducer(null, group, null, true, command.text("traceTopic", null))
            : new TransactionMQProducer(group);
        Producing.configure(producer, command);
        producer.setTransactionListener(new Verdicts(id));
        producer.start();
        producers.put(id, producer);
    }

    /** {@code local} and {@code check}: commit, rollback or unknown. */
    void send(Command command) throws Exception {
        for (int i = 0; i < command.number("count", 1); i++) {
            Message message = Producing.message(command, i);
            message.putUserProperty("local", command.text("local", "unknown"));
            message.putUserProperty("check", command.text("check", "unknown"));
            if (command.has("immunity")) {
                message.putUserProperty("CHECK_IMMUNITY_TIME_IN_SECONDS", command.text("immunity"));
            }
            TransactionSendResult result =
                producers.get(command.text("id")).sendMessageInTransaction(message, null);
            Producing.printSent(message, result);
            Events.print(
                "transaction",
                "body", new String(message.getBody(), StandardCharsets.UTF_8),
                "verdict", result.getLocalTransactionState().name(),
                "transactionId", result.getTransactionId());
        }
    }

    boolean stop(Command command) {
        TransactionMQProducer producer = producers.remove(command.text("id"));
        if (producer != null) {
            producer.shutdown();
        }
        return producer != null;
    }

    void stopAll() {
        producers.values().forEach(TransactionMQProducer::shutdown);
        producers.clear();
    }

    private static final class Verdicts implements TransactionListener {
        private final String id;

        Verdicts(String id) {
            this.id = id;
        }

        @Override
        public LocalTransactionState executeLocalTransaction(Message message, Object argument) {
            return verdict(message.getUserProperty("local"));
        }

        @Override
        public LocalTransactionState checkLocalTransaction(MessageExt message) {
            Events.print(
                "check",
                "id", id,
                "topic", message.getTopic(),
                "body", new String(message.getBody(), StandardCharsets.UTF_8),
                "transactionId", message.getTransactionId(),
                "msgId", message.getMsgId(),
                "preparedOffset", message.getCommitLogOffset(),
                "times", message.getProperty("TRANSACTION_CHECK_TIMES"));
            return verdict(message.getUserProperty("check"));
        }

        private static LocalTransactionState verdict(String name) {
            switch (name) {
                case "commit":
                    return LocalTransactionState.COMMIT_MESSAGE;
                case "rollback":
                    return LocalTransactionState.ROLLBACK_MESSAGE;
                default:
                    return LocalTransactionState.UNKNOW;
            }
        }
    }
}
