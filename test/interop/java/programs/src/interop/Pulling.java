package interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.client.consumer.DefaultLitePullConsumer;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.store.OffsetStore;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** Consumers that ask for messages themselves: the lite pull consumer, and the old pull by offset. */
final class Pulling {
    private final Map<String, DefaultLitePullConsumer> lites = new HashMap<>();
    private final Map<String, DefaultMQPullConsumer> pullers = new HashMap<>();

    /** With {@code assign} the consumer takes all queues of the topic itself and joins no rebalance. */
    void openLite(Command command) throws Exception {
        DefaultLitePullConsumer consumer = new DefaultLitePullConsumer(command.text("group"));
        consumer.setNamesrvAddr(command.text("ns"));
        consumer.setMqClientApiTimeout(Producing.PATIENCE);
        consumer.setInstanceName(command.text("id"));
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.setPollNameServerInterval(1000);
        consumer.setAutoCommit(command.flag("autoCommit"));
        consumer.setAutoCommitIntervalMillis(1000);
        String topic = command.text("topic");
        boolean assigns = command.flag("assign");
        if (command.has("sql")) {
            consumer.subscribe(topic, MessageSelector.bySql(command.text("sql")));
        } else if (!assigns) {
            consumer.subscribe(topic, command.text("expression", "*"));
        }
        consumer.start();
        lites.put(command.text("id"), consumer);
        if (assigns) {
            consumer.assign(consumer.fetchMessageQueues(topic));
        }
    }

    /** Polls until {@code count} messages came or {@code wait} milliseconds are over. */
    void poll(Command command) {
        DefaultLitePullConsumer consumer = lite(command);
        long end = System.currentTimeMillis() + command.number("wait", 20_000);
        int seen = 0;
        while (seen < command.number("count", 1) && System.currentTimeMillis() < end) {
            for (MessageExt message : consumer.poll(500)) {
                Consuming.printReceived(command.text("id"), message);
                seen++;
            }
        }
    }

    void commit(Command command) {
        lite(command).commitSync();
    }

    /** {@code to}: begin, end, or an offset; for every queue of the topic. */
    void seek(Command command) throws Exception {
        DefaultLitePullConsumer consumer = lite(command);
        String to = command.text("to");
        for (MessageQueue queue : consumer.fetchMessageQueues(command.text("topic"))) {
            if ("begin".equals(to)) {
                consumer.seekToBegin(queue);
            } else if ("end".equals(to)) {
                consumer.seekToEnd(queue);
            } else {
                consumer.seek(queue, Long.parseLong(to));
            }
        }
    }

    /** What the broker keeps for the group, by queue. */
    void printCommitted(Command command) throws Exception {
        DefaultLitePullConsumer consumer = lite(command);
        Map<String, Object> offsets = new TreeMap<>();
        for (MessageQueue queue : consumer.fetchMessageQueues(command.text("topic"))) {
            offsets.put(queue.getBrokerName() + ":" + queue.getQueueId(), consumer.committed(queue));
        }
        Events.print("committed", "id", command.text("id"), "offsets", offsets);
    }

    void openPuller(Command command) throws Exception {
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer(command.text("group"));
        consumer.setNamesrvAddr(command.text("ns"));
        consumer.setMqClientApiTimeout(Producing.PATIENCE);
        consumer.setInstanceName(command.text("id"));
        consumer.setHeartbeatBrokerInterval(1000);
        consumer.start();
        pullers.put(command.text("id"), consumer);
    }

    void pull(Command command) throws Exception {
        DefaultMQPullConsumer consumer = pullers.get(command.text("id"));
        PullResult result = consumer.pull(
            queueOf(command),
            command.text("expression", "*"),
            Long.parseLong(command.text("offset")),
            command.number("count", 32));
        List<String> bodies = new ArrayList<>();
        if (result.getMsgFoundList() != null) {
            for (MessageExt message : result.getMsgFoundList()) {
                bodies.add(new String(message.getBody(), StandardCharsets.UTF_8));
            }
        }
        Events.print(
            "pulled",
            "id", command.text("id"),
            "status", result.getPullStatus(),
            "next", result.getNextBeginOffset(),
            "min", result.getMinOffset(),
            "max", result.getMaxOffset(),
            "bodies", bodies);
    }

    /** Stores an offset of the group at the broker, whatever it is. */
    void storeOffset(Command command) throws Exception {
        OffsetStore store =
            pullers.get(command.text("id")).getDefaultMQPullConsumerImpl().getOffsetStore();
        long offset = Long.parseLong(command.text("offset"));
        store.updateConsumeOffsetToBroker(queueOf(command), offset, false);
    }

    private DefaultLitePullConsumer lite(Command command) {
        return lites.get(command.text("id"));
    }

    private static MessageQueue queueOf(Command command) {
        return new MessageQueue(
            command.text("topic"), command.text("broker"), command.number("queue", 0));
    }

    boolean stop(Command command) {
        DefaultLitePullConsumer lite = lites.remove(command.text("id"));
        if (lite != null) {
            lite.shutdown();
        }
        DefaultMQPullConsumer puller = pullers.remove(command.text("id"));
        if (puller != null) {
            puller.shutdown();
        }
        return lite != null || puller != null;
    }

    void stopAll() {
        lites.values().forEach(DefaultLitePullConsumer::shutdown);
        lites.clear();
        pullers.values().forEach(DefaultMQPullConsumer::shutdown);
        pullers.clear();
    }
}
