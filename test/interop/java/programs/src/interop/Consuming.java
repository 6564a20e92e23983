package interop;

import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Push consumers, concurrent and orderly, that print what they get; and a polling consumer. */
final class Consuming {
    private final Map<String, DefaultMQPushConsumer> consumers = new HashMap<>();
    private final Producing producing;

    Consuming(Producing producing) {
        this.producing = producing;
    }

    /**
     * {@code fail}: how many deliveries of a message are answered with "later";
     * {@code failing}: the same by the beginnings of bodies, {@code late:1,never:9};
     * {@code level}: delay level asked for then (-1 dead letter, 0 the broker's choice);
     * {@code suspend}: milliseconds an orderly queue rests then.
     */
    void startPush(Command command) throws Exception {
        String id = command.text("id");
        DefaultMQPushConsumer consumer = command.flag("trace")
            ? new DefaultMQPushConsumer(command.text("group"), true, command.text("traceTopic", null))
            : new DefaultMQPushConsumer(command.text("group"));
        consumer.setNamesrvAddr(command.text("ns"));
        consumer.setMqClientApiTimeout(Producing.PATIENCE);
        consumer.setInstanceName(command.text("instance", id));
        consumer.setConsumeFromWhere(
            "last".equals(command.text("from", "first"))
                ? ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET
                : ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.setPollNameServerInterval(command.number("poll", 1000));
        consumer.setPersistConsumerOffsetInterval(1000);
        // What was printed as received is also in the offsets that a stopping consumer leaves.
        consumer.setAwaitTerminationMillisWhenShutdown(5000);
        consumer.setConsumeThreadMin(4);
        consumer.setConsumeThreadMax(4);
        if (command.has("maxReconsume")) {
            consumer.setMaxReconsumeTimes(command.number("maxReconsume", 16));
        }
        if (command.flag("broadcast")) {
            setMessageModel(consumer, "BROADCASTING");
        }
        if (command.has("sql")) {
            consumer.subscribe(command.text("topic"), MessageSelector.bySql(command.text("sql")));
        } else {
            consumer.subscribe(command.text("topic"), command.text("expression", "*"));
        }
        if (command.has("strategy")) {
            consumer.setAllocateMessageQueueStrategy(strategy(command.text("strategy")));
        }
        if (command.has("history")) {
            consumer.registerMessageListener(new History(command));
        } else if (command.has("reply")) {
            consumer.registerMessageListener(new Replying(producing.find(command.text("reply"))));
        } else if ("orderly".equals(command.text("mode", "concurrent"))) {
            consumer.setSuspendCurrentQueueTimeMillis(command.number("suspend", 1000));
            consumer.registerMessageListener(new Orderly(command));
        } else {
            consumer.registerMessageListener(new Concurrent(command));
        }
        consumer.start();
        consumers.put(id, consumer);
    }

    /** {@code AVG}, {@code AVG_BY_CIRCLE} or {@code CONSISTENT_HASH}, as the strategies call themselves. */
    private static AllocateMessageQueueStrategy strategy(String name) {
        AllocateMessageQueueStrategy[] all = {
            new AllocateMessageQueueAveragely(),
            new AllocateMessageQueueAveragelyByCircle(),
            new AllocateMessageQueueConsistentHash(),
        };
        for (AllocateMessageQueueStrategy one : all) {
            if (one.getName().equals(name)) {
                return one;
            }
        }
        throw new IllegalArgumentException("no strategy " + name);
    }

    /** The enum stands in another package in 4.x, so it is found through the setter. */
    @SuppressWarnings({"unchecked", "rawtypes"})
    private static void setMessageModel(DefaultMQPushConsumer consumer, String name) throws Exception {
        for (Method method : consumer.getClass().getMethods()) {
            if (method.getName().equals("setMessageModel")) {
                method.invoke(consumer, Enum.valueOf((Class) method.getParameterTypes()[0], name));
            }
        }
    }

    /** Polls until {@code count} messages came or {@code wait} milliseconds are over, then commits. */
    void pollLite(Command command) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(command.text("group"));
        consumer.setNamesrvAddr(command.text("ns"));
        consumer.setMqClientApiTimeout(Producing.PATIENCE);
        consumer.setInstanceName(command.text("id"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setAutoCommit(false);
        consumer.subscribe(command.text("topic"), command.text("expression", "*"));
        consumer.start();
        long end = System.currentTimeMillis() + command.number("wait", 20_000);
        int seen = 0;
        while (seen < command.number("count", 1) && System.currentTimeMillis() < end) {
            for (MessageExt message : consumer.poll(1000)) {
                printReceived(command.text("id"), message);
                seen++;
            }
        }
        consumer.commitSync();
        consumer.shutdown();
    }

    void printQueues(Command command) {
        String id = command.text("id");
        Events.print("queues", "id", id, "queues", queues(consumers.get(id)));
    }

    /** Of every push consumer here: the client id under which the group knows it, and its queues. */
    void printShares() {
        for (Map.Entry<String, DefaultMQPushConsumer> one : consumers.entrySet()) {
            String clientId = one.getValue().getDefaultMQPushConsumerImpl().getmQClientFactory().getClientId();
            Events.print("share", "id", one.getKey(), "clientId", clientId, "queues", queues(one.getValue()));
        }
    }

    private static List<String> queues(DefaultMQPushConsumer consumer) {
        List<String> queues = new ArrayList<>();
        for (MessageQueue queue : consumer
            .getDefaultMQPushConsumerImpl().getRebalanceImpl().getProcessQueueTable().keySet()) {
            if (!queue.getTopic().startsWith("%RETRY%")) {
                queues.add(queue.getTopic() + ":" + queue.getBrokerName() + ":" + queue.getQueueId());
            }
        }
        return queues;
    }

    static void printReceived(String id, MessageExt message) {
        Events.print(
            "received",
            "id", id,
            "topic", message.getTopic(),
            "body", new String(message.getBody(), StandardCharsets.UTF_8),
            "tags", message.getTags(),
            "keys", message.getKeys(),
            "msgId", message.getMsgId(),
            "queueId", message.getQueueId(),
            "queueOffset", message.getQueueOffset(),
            "commitLogOffset", message.getCommitLogOffset(),
            "reconsumeTimes", message.getReconsumeTimes(),
            "sysFlag", message.getSysFlag(),
            "flag", message.getFlag(),
            "bodyCrc", message.getBodyCRC(),
            "storeSize", message.getStoreSize(),
            "bornTimestamp", message.getBornTimestamp(),
            "storeTimestamp", message.getStoreTimestamp(),
            "preparedOffset", message.getPreparedTransactionOffset(),
            "at", System.currentTimeMillis(),
            "properties", new TreeMap<>(message.getProperties()));
    }

    boolean stop(Command command) {
        DefaultMQPushConsumer consumer = consumers.remove(command.text("id"));
        if (consumer != null) {
            consumer.shutdown();
        }
        return consumer != null;
    }

    void stopAll() {
        consumers.values().forEach(DefaultMQPushConsumer::shutdown);
        consumers.clear();
    }

    private static final class Concurrent implements MessageListenerConcurrently {
        private final String id;
        private final int fail;
        private final Map<String, Integer> failing = new HashMap<>();
        private final int level;

        Concurrent(Command command) {
            id = command.text("id");
            fail = command.number("fail", 0);
            level = command.number("level", 0);
            for (String pair : command.text("failing", "").split(",")) {
                int colon = pair.lastIndexOf(':');
                if (colon > 0) {
                    failing.put(pair.substring(0, colon), Integer.valueOf(pair.substring(colon + 1)));
                }
            }
        }

        private int failures(MessageExt message) {
            String body = new String(message.getBody(), StandardCharsets.UTF_8);
            for (Map.Entry<String, Integer> one : failing.entrySet()) {
                if (body.startsWith(one.getKey())) {
                    return one.getValue();
                }
            }
            return fail;
        }

        @Override
        public ConsumeConcurrentlyStatus consumeMessage(
            List<MessageExt> messages, ConsumeConcurrentlyContext context) {
            boolean later = false;
            for (MessageExt message : messages) {
                printReceived(id, message);
                later |= message.getReconsumeTimes() < failures(message);
            }
            context.setDelayLevelWhenNextConsume(level);
            return later
                ? ConsumeConcurrentlyStatus.RECONSUME_LATER
                : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        }
    }

    private static final class Orderly implements MessageListenerOrderly {
        private final String id;
        private final int fail;

        Orderly(Command command) {
            id = command.text("id");
            fail = command.number("fail", 0);
        }

        @Override
        public ConsumeOrderlyStatus consumeMessage(
            List<MessageExt> messages, ConsumeOrderlyContext context) {
            boolean later = false;
            for (MessageExt message : messages) {
                printReceived(id, message);
                later |= message.getReconsumeTimes() < fail;
            }
            return later
                ? ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT
                : ConsumeOrderlyStatus.SUCCESS;
        }
    }

    /** Answers request messages through a producer. */
    private static final class Replying implements MessageListenerConcurrently {
        private final DefaultMQProducer producer;

        Replying(DefaultMQProducer producer) {
            this.producer = producer;
        }

        @Override
        public ConsumeConcurrentlyStatus consumeMessage(
            List<MessageExt> messages, ConsumeConcurrentlyContext context) {
            try {
                for (MessageExt message : messages) {
                    byte[] body = "answer".getBytes(StandardCharsets.UTF_8);
                    producer.send(MessageUtil.createReplyMessage(message, body));
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            } catch (Exception failure) {
                Events.print("reply-failed", "message", String.valueOf(failure.getMessage()));
                return ConsumeConcurrentlyStatus.RECONSUME_LATER;
            }
        }
    }
}
