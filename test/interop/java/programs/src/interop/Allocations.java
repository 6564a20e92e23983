package interop;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByConfig;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Shares seeded queues out among seeded members with every official strategy and prints, per
 * strategy and block of cases, a digest over the results; of the first cases also who got what. The
 * generator stands a second time in allocation-cases.ts: the same numbers in the same order.
 *
 * <p>Arguments: seed, number of cases, cases in a block, number of cases to print.
 */
public final class Allocations {
    private final int[] state;

    private Allocations(int seed) {
        state = new int[] {seed};
    }

    public static void main(String[] args) throws Exception {
        int cases = Integer.parseInt(args[1]);
        int block = Integer.parseInt(args[2]);
        int printed = Integer.parseInt(args[3]);
        Allocations generator = new Allocations(Integer.parseInt(args[0]));
        Map<String, MessageDigest> digests = new LinkedHashMap<>();
        for (int number = 0; number < cases; number++) {
            List<MessageQueue> queues = generator.queues();
            List<String> members = generator.members();
            Map<String, Object> results = new LinkedHashMap<>();
            for (AllocateMessageQueueStrategy strategy : strategies(queues)) {
                String result = share(strategy, queues, members);
                results.put(strategy.getName(), result);
                digests.computeIfAbsent(strategy.getName(), name -> sha256())
                    .update(result.getBytes(StandardCharsets.UTF_8));
            }
            if (number < printed) {
                Events.print("case", "members", members, "results", results);
            }
            if ((number + 1) % block == 0) {
                for (Map.Entry<String, MessageDigest> entry : digests.entrySet()) {
                    Events.print(
                        "digest", "strategy", entry.getKey(), "sha256", hex(entry.getValue().digest()));
                }
            }
        }
        System.exit(0);
    }

    /** Every member with the places of its queues in the sorted list: {@code 0,1|2|;}. */
    private static String share(
        AllocateMessageQueueStrategy strategy, List<MessageQueue> queues, List<String> members) {
        StringBuilder out = new StringBuilder();
        for (String member : members) {
            String separator = "";
            for (MessageQueue queue : strategy.allocate("group", member, queues, members)) {
                out.append(separator).append(queues.indexOf(queue));
                separator = ",";
            }
            out.append('|');
        }
        return out.append(';').toString();
    }

    private static List<AllocateMessageQueueStrategy> strategies(List<MessageQueue> queues) {
        AllocateMessageQueueByMachineRoom byRoom = new AllocateMessageQueueByMachineRoom();
        byRoom.setConsumeridcs(new HashSet<>(Arrays.asList("east", "west")));
        AllocateMessageQueueByConfig configured = new AllocateMessageQueueByConfig();
        configured.setMessageQueueList(queues.subList(0, (queues.size() + 2) / 3));
        return Arrays.asList(
            new AllocateMessageQueueAveragely(),
            new AllocateMessageQueueAveragelyByCircle(),
            new AllocateMessageQueueConsistentHash(),
            byRoom,
            new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), new Rooms()),
            new AllocateMachineRoomNearby(new AllocateMessageQueueConsistentHash(), new Rooms()),
            configured);
    }

    /** What stands before the first {@code @} of a broker name, before the first {@code -} of a client id. */
    private static final class Rooms implements AllocateMachineRoomNearby.MachineRoomResolver {
        @Override
        public String brokerDeployIn(MessageQueue queue) {
            return queue.getBrokerName().split("@")[0];
        }

        @Override
        public String consumerDeployIn(String clientId) {
            return clientId.split("-")[0];
        }
    }

    private int below(int end) {
        state[0] = state[0] * 1664525 + 1013904223;
        return (state[0] >>> 8) % end;
    }

    private List<MessageQueue> queues() {
        String[] rooms = {"east", "west", "north"};
        List<MessageQueue> queues = new ArrayList<>();
        int brokers = 1 + below(5);
        for (int broker = 0; broker < brokers; broker++) {
            String name = rooms[below(3)] + (below(8) == 0 ? "" : "@") + "broker" + broker;
            int count = 1 + below(16);
            for (int id = 0; id < count; id++) {
                queues.add(new MessageQueue("TopicTest", name, id));
            }
        }
        Collections.sort(queues);
        return queues;
    }

    private List<String> members() {
        String[] rooms = {"east", "west", "south"};
        TreeSet<String> members = new TreeSet<>();
        int count = 1 + below(20);
        for (int member = 0; member < count; member++) {
            members.add(rooms[below(3)] + "-10.0." + below(3) + "." + below(256) + "@" + below(60000));
        }
        return new ArrayList<>(members);
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (java.security.NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private static String hex(byte[] bytes) {
        StringBuilder out = new StringBuilder();
        for (byte one : bytes) {
            out.append(String.format("%02x", one));
        }
        return out.toString();
    }
}
