package interop;

import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.selector.SelectMessageQueueByHash;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;

/** Ordinary producers: sync, async, one-way, ordered by a key, delayed, to a given queue, in batches. */
final class Producing {
    /** How slow the machine is, is not what the suites ask: milliseconds for a question to a server. */
    static final int PATIENCE = 60_000;

    private final Map<String, DefaultMQProducer> producers = new HashMap<>();

    void start(Command command) throws Exception {
        DefaultMQProducer producer = command.flag("trace")
            ? new DefaultMQProducer(command.text("group"), true, command.text("traceTopic", null))
            : new DefaultMQProducer(command.text("group"));
        configure(producer, command);
        producer.start();
        producers.put(command.text("id"), producer);
    }

    static void configure(DefaultMQProducer producer, Command command) {
        producer.setNamesrvAddr(command.text("ns"));
        producer.setMqClientApiTimeout(Producing.PATIENCE);
        producer.setInstanceName(command.text("instance", command.text("id")));
        producer.setSendMsgTimeout(command.number("timeout", 10_000));
        producer.setCompressMsgBodyOverHowmuch(command.number("compressOver", 4096));
        producer.setHeartbeatBrokerInterval(1000);
        producer.setPollNameServerInterval(command.number("poll", 1000));
    }

    /** The body of message i is {@code <body>-<i>}, padded with dots to {@code size} bytes. */
    static Message message(Command command, int i) {
        StringBuilder body = new StringBuilder(command.text("body", "m")).append('-').append(i);
        while (body.length() < command.number("size", 0)) {
            body.append('.');
        }
        Message message = new Message(command.text("topic"), body.toString().getBytes(StandardCharsets.UTF_8));
        if (command.has("tags")) {
            String[] tags = command.text("tags").split(",");
            message.setTags(tags[i % tags.length]);
        }
        if (command.has("keys")) {
            message.setKeys(command.text("keys") + i);
        }
        if (command.has("delay")) {
            message.setDelayTimeLevel(command.number("delay", 0));
        }
        if (command.has("flag")) {
            message.setFlag(command.number("flag", 0));
        }
        if (command.has("property")) {
            message.putUserProperty("colour", command.text("property"));
        }
        return message;
    }

    void send(Command command) throws Exception {
        DefaultMQProducer producer = producers.get(command.text("id"));
        int count = command.number("count", 1);
        String mode = command.text("mode", "sync");
        CountDownLatch answered = new CountDownLatch(count);
        for (int i = command.number("first", 0), end = i + count; i < end; i++) {
            Message message = message(command, i);
            if ("async".equals(mode)) {
                producer.send(message, new Printing(message, answered));
            } else if ("oneway".equals(mode)) {
                producer.sendOneway(message);
            } else if (command.has("hash")) {
                // Two messages share a key each time, so that the order within a key can be seen.
                String key = command.text("hash") + i % command.number("keysCount", 2);
                printSent(message, producer.send(message, new SelectMessageQueueByHash(), key));
            } else if (command.has("queue")) {
                MessageQueue queue = new MessageQueue(
                    command.text("topic"), command.text("broker"), command.number("queue", 0));
                printSent(message, producer.send(message, queue));
            } else {
                printSent(message, producer.send(message));
            }
        }
        if ("async".equals(mode) && !answered.await(30, TimeUnit.SECONDS)) {
            throw new IllegalStateException("asynchronous sends were not answered");
        }
    }

    void sendBatch(Command command) throws Exception {
        List<Message> messages = new ArrayList<>();
        for (int i = 0; i < command.number("count", 2); i++) {
            messages.add(message(command, i));
        }
        SendResult result = producers.get(command.text("id")).send(messages);
        printSent(messages.get(0), result);
    }

    static void printSent(Message message, SendResult result) {
        Events.print(
            "sent",
            "topic", message.getTopic(),
            "body", new String(message.getBody(), StandardCharsets.UTF_8),
            "status", result.getSendStatus().name(),
            "msgId", result.getMsgId(),
            "offsetMsgId", result.getOffsetMsgId(),
            "broker", result.getMessageQueue().getBrokerName(),
            "queueId", result.getMessageQueue().getQueueId(),
            "queueOffset", result.getQueueOffset(),
            "transactionId", result.getTransactionId(),
            "region", result.getRegionId());
    }

    /** Sends a request message and waits for the reply of a consumer. */
    void request(Command command) throws Exception {
        Message reply = producers.get(command.text("id")).request(message(command, 0), 5_000);
        Events.print("reply", "body", new String(reply.getBody(), StandardCharsets.UTF_8));
    }

    DefaultMQProducer find(String id) {
        return producers.get(id);
    }

    /** The questions of the MQAdmin interface that every client can ask. */
    void ask(Command command) throws Exception {
        DefaultMQProducer producer = producers.get(command.text("id"));
        MessageQueue queue = new MessageQueue(
            command.text("topic"), command.text("broker"), command.number("queue", 0));
        Events.print(
            "asked",
            "id", command.text("id"),
            "min", producer.minOffset(queue),
            "max", producer.maxOffset(queue),
            "found", producer.searchOffset(queue, Long.parseLong(command.text("time", "0"))),
            "earliest", producer.earliestMsgStoreTime(queue));
        if (command.has("view")) {
            Consuming.printReceived(
                "view:" + command.text("id"),
                producer.viewMessage(command.text("topic"), command.text("view")));
        }
    }

    /** 5.x has one parameter more (attributes). */
    void createTopic(Command command) throws Exception {
        DefaultMQProducer producer = producers.get(command.text("id"));
        for (Method method : producer.getClass().getMethods()) {
            Class<?>[] types = method.getParameterTypes();
            boolean fits = types.length == 3 || types.length == 4 && types[3] == Map.class;
            if (method.getName().equals("createTopic") && fits) {
                Object[] values = {"TBW102", command.text("topic"), command.number("queues", 2), null};
                method.invoke(producer, Arrays.copyOf(values, types.length));
                return;
            }
        }
        throw new IllegalStateException("no createTopic(key, topic, queues)");
    }

    boolean stop(Command command) {
        DefaultMQProducer producer = producers.remove(command.text("id"));
        if (producer != null) {
            producer.shutdown();
        }
        return producer != null;
    }

    void stopAll() {
        producers.values().forEach(DefaultMQProducer::shutdown);
        producers.clear();
    }

    private static final class Printing implements SendCallback {
        private final Message message;
        private final CountDownLatch answered;

        Printing(Message message, CountDownLatch answered) {
            this.message = message;
            this.answered = answered;
        }

        @Override
        public void onSuccess(SendResult result) {
            printSent(message, result);
            answered.countDown();
        }

        @Override
        public void onException(Throwable failure) {
            Events.print("send-failed", "message", String.valueOf(failure.getMessage()));
            answered.countDown();
        }
    }
}
