package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.remoting.exception.RemotingException;

/** The official client under the loads of the benchmark: one command per line, one event with figures. */
public final class Load {
    private static final int BODY_BYTES = 1024;
    private final DefaultMQProducer producer = new DefaultMQProducer("bench-producer");
    private String ns;
    private String topic;

    private Load() {
    }

    public static void main(String[] args) throws Exception {
        Load load = new Load();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Events.print("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            try {
                load.run(new Command(line));
            } catch (Throwable failure) {
                Events.print("failed", "reason", failure.toString());
            }
        }
        System.exit(0);
    }

    private void run(Command command) throws Exception {
        switch (command.verb) {
            case "open":
                open(command);
                break;
            case "send":
                send(command);
                break;
            case "pace":
                pace(command, false);
                break;
            case "flow":
                pace(command, true);
                break;
            case "consume":
                consume(command);
                break;
            default:
                throw new IllegalArgumentException(command.verb);
        }
    }

    /** Starts the producer and sends once; tells how long both took. */
    private void open(Command command) throws Exception {
        long began = System.nanoTime();
        ns = command.text("ns");
        topic = command.text("topic");
        producer.setNamesrvAddr(ns);
        producer.start();
        producer.send(message(0));
        Events.print("ended", "ms", (System.nanoTime() - began) / 1e6);
    }

    private Message message(long due) {
        byte[] body = new byte[BODY_BYTES];
        ByteBuffer.wrap(body).putLong(due);
        return new Message(topic, body);
    }

    /** Threads that each wait for the answer to one message before they send the next. */
    private void send(Command command) throws Exception {
        int senders = command.number("senders", 64);
        Figures figures = new Figures(command);
        Thread[] threads = new Thread[senders];
        for (int i = 0; i < senders; i++) {
            threads[i] = new Thread(() -> {
                while (!figures.isOver()) {
                    long from = System.nanoTime();
                    try {
                        producer.send(message(from));
                        figures.note(from);
                    } catch (Exception failure) {
                        figures.failed.incrementAndGet();
                    }
                }
            });
            threads[i].start();
        }
        for (Thread thread : threads) {
            thread.join();
        }
        figures.print();
    }

    /** Sends at a fixed rate, whatever comes back; with {@code isFlow} latencies end at the listener. */
    private void pace(Command command, boolean isFlow) throws Exception {
        Figures figures = new Figures(command);
        DefaultMQPushConsumer consumer = isFlow ? flowing(command, figures) : null;
        if (consumer != null) {
            figures.restart();
        }
        double perNano = command.number("rate", 20_000) / 1e9;
        AtomicInteger open = new AtomicInteger();
        int wanted = 0;
        long begin = System.nanoTime();
        for (long sent = 0; !figures.isOver();) {
            long due = (long) ((System.nanoTime() - begin) * perNano);
            for (; sent < due; sent++) {
                // Bursts are due at whole milliseconds.
                long at = begin + (long) Math.ceil(sent / perNano / 1e6) * 1_000_000;
                open.incrementAndGet();
                wanted += figures.isDue(at) ? 1 : 0;
                sendLater(at, figures, open, isFlow);
            }
            LockSupport.parkNanos(1_000_000);
        }
        long until = System.nanoTime() + 5_000_000_000L;
        while ((open.get() > 0 || figures.ended() < wanted) && System.nanoTime() < until) {
            LockSupport.parkNanos(1_000_000);
        }
        if (consumer != null) {
            consumer.shutdown();
        }
        figures.print();
    }

    private void sendLater(long at, Figures figures, AtomicInteger open, boolean isFlow) throws InterruptedException {
        try {
            producer.send(message(at), new SendCallback() {
                @Override
                public void onSuccess(SendResult result) {
                    open.decrementAndGet();
                    if (!isFlow) {
                        figures.noteLate(at);
                    }
                }

                @Override
                public void onException(Throwable failure) {
                    open.decrementAndGet();
                    figures.failed.incrementAndGet();
                }
            }, 10_000);
        } catch (MQClientException | RemotingException refused) {
            // Too many are under way for the official client.
            open.decrementAndGet();
            figures.failed.incrementAndGet();
        }
    }

    private DefaultMQPushConsumer consumer(String group, ConsumeFromWhere from, MessageListenerConcurrently listener)
        throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(ns);
        consumer.setConsumeFromWhere(from);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener(listener);
        consumer.start();
        return consumer;
    }

    /** Gives back a consumer of new messages that has its queues: it got one. */
    private DefaultMQPushConsumer flowing(Command command, Figures figures) throws Exception {
        CountDownLatch first = new CountDownLatch(1);
        DefaultMQPushConsumer consumer = consumer(
            command.text("group"), ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET, (messages, context) -> {
                first.countDown();
                for (MessageExt message : messages) {
                    figures.noteLate(ByteBuffer.wrap(message.getBody()).getLong());
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        // After a rest the first sends of the official client may time out.
        for (int attempts = 0; first.getCount() > 0 && attempts < 30; attempts++) {
            try {
                producer.send(message(0));
            } catch (RemotingException | MQClientException failure) {
                continue;
            }
            first.await(1, TimeUnit.SECONDS);
        }
        first.await();
        return consumer;
    }

    /** Reads a backlog; counts from the first message on. */
    private void consume(Command command) throws Exception {
        long wanted = command.number("count", 0);
        AtomicLong seen = new AtomicLong();
        AtomicLong began = new AtomicLong();
        AtomicLong ended = new AtomicLong();
        CountDownLatch done = new CountDownLatch(1);
        DefaultMQPushConsumer consumer = consumer(
            command.text("group"), ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET, (messages, context) -> {
                long count = seen.addAndGet(messages.size());
                if (count == messages.size()) {
                    began.set(System.nanoTime());
                    Events.print("started");
                }
                if (count >= wanted && ended.compareAndSet(0, System.nanoTime())) {
                    done.countDown();
                }
                return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
            });
        done.await();
        Events.print("ended", "done", wanted, "failed", 0, "ms", (ended.get() - began.get()) / 1e6);
        consumer.shutdown();
    }

    /** Counts and latencies of a slice, after its warm-up. */
    private static final class Figures {
        final AtomicInteger failed = new AtomicInteger();
        private final AtomicInteger done = new AtomicInteger();
        private final double[] latencies = new double[1 << 21];
        private final long warmNanos;
        private final long runNanos;
        private volatile long from;
        private volatile boolean isStarted;

        Figures(Command command) {
            warmNanos = command.number("warmMs", 300) * 1_000_000L;
            runNanos = command.number("runMs", 1000) * 1_000_000L;
            restart();
        }

        void restart() {
            from = System.nanoTime() + warmNanos;
        }

        boolean isOver() {
            long now = System.nanoTime();
            if (!isStarted && now >= from) {
                begin();
            }
            return now >= from + runNanos;
        }

        private synchronized void begin() {
            if (!isStarted) {
                isStarted = true;
                Events.print("started");
            }
        }

        void note(long due) {
            long now = System.nanoTime();
            // What was due before the slice does not belong to it.
            if (due >= from && now < from + runNanos) {
                add(now - due);
            }
        }

        boolean isDue(long due) {
            return due >= from && due < from + runNanos;
        }

        int ended() {
            return done.get() + failed.get();
        }

        /** Counts what was due in the slice however late it ends, or the slowest would be left out. */
        void noteLate(long due) {
            if (isDue(due)) {
                add(System.nanoTime() - due);
            }
        }

        private void add(long nanos) {
            int i = done.getAndIncrement();
            if (i < latencies.length) {
                latencies[i] = nanos / 1e6;
            }
        }

        void print() {
            int count = Math.min(done.get(), latencies.length);
            double[] sorted = Arrays.copyOf(latencies, count);
            Arrays.sort(sorted);
            Events.print(
                "ended", "done", count, "failed", failed.get(), "ms", runNanos / 1e6,
                "p50", at(sorted, 0.5), "p99", at(sorted, 0.99), "p999", at(sorted, 0.999));
        }

        private static double at(double[] sorted, double share) {
            return sorted.length == 0 ? 0 : sorted[Math.min(sorted.length - 1, (int) (sorted.length * share))];
        }
    }
}
