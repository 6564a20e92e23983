package interop;

import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.spring.annotation.ConsumeMode;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.annotation.RocketMQTransactionListener;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionListener;
import org.apache.rocketmq.spring.core.RocketMQLocalTransactionState;
import org.apache.rocketmq.spring.core.RocketMQPushConsumerLifecycleListener;
import org.apache.rocketmq.spring.core.RocketMQReplyListener;
import org.apache.rocketmq.spring.support.RocketMQHeaders;
import org.springframework.messaging.Message;

/** The listeners of the application, in the forms that rocketmq-spring knows. */
final class SpringListeners {
    private SpringListeners() {
    }

    private abstract static class FromTheFirst implements RocketMQPushConsumerLifecycleListener {
        @Override
        public void prepareStart(DefaultMQPushConsumer consumer) {
            consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
            // How busy the machine is, is not what specs ask about.
            consumer.setMqClientApiTimeout(Spring.PATIENCE_MS);
        }
    }

    private static void print(String id, MessageExt message) {
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
            "properties", message.getProperties());
    }

    @RocketMQMessageListener(topic = "to-spring", consumerGroup = "spring-messages")
    static class Messages extends FromTheFirst implements RocketMQListener<MessageExt> {
        @Override
        public void onMessage(MessageExt message) {
            print("messages", message);
        }
    }

    @RocketMQMessageListener(topic = "to-spring", consumerGroup = "spring-orders")
    static class Orders extends FromTheFirst implements RocketMQListener<SpringOrder> {
        @Override
        public void onMessage(SpringOrder order) {
            Events.print("order", "id", order.getId(), "sum", order.getSum());
        }
    }

    @RocketMQMessageListener(
        topic = "to-spring-in-order",
        consumerGroup = "spring-in-order",
        consumeMode = ConsumeMode.ORDERLY)
    static class InOrder extends FromTheFirst implements RocketMQListener<MessageExt> {
        @Override
        public void onMessage(MessageExt message) {
            print("in-order", message);
        }
    }

    @RocketMQMessageListener(topic = "ask-spring", consumerGroup = "spring-answers")
    static class Answers extends FromTheFirst
        implements RocketMQReplyListener<SpringOrder, SpringOrder> {
        @Override
        public SpringOrder onMessage(SpringOrder order) {
            return new SpringOrder(order.getId() + " from Spring", order.getSum() * 2);
        }
    }

    /** The local transaction does what the argument says; {@code ask} leaves it to the check-back. */
    @RocketMQTransactionListener
    static class Transactions implements RocketMQLocalTransactionListener {
        @Override
        public RocketMQLocalTransactionState executeLocalTransaction(Message message, Object verdict) {
            switch (String.valueOf(verdict)) {
                case "commit":
                    return RocketMQLocalTransactionState.COMMIT;
                case "rollback":
                    return RocketMQLocalTransactionState.ROLLBACK;
                default:
                    return RocketMQLocalTransactionState.UNKNOWN;
            }
        }

        @Override
        public RocketMQLocalTransactionState checkLocalTransaction(Message message) {
            Object keys = message.getHeaders().get(RocketMQHeaders.PREFIX + RocketMQHeaders.KEYS);
            Events.print("checked", "keys", keys);
            // Brokers of 5.x may ask although they were told: the answer must stay the same.
            return "rollback".equals(keys)
                ? RocketMQLocalTransactionState.ROLLBACK
                : RocketMQLocalTransactionState.COMMIT;
        }
    }
}
