package interop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * An orderly listener that appends what it gets to a file that all members of the group share, a line
 * per message in one write: {@code member queue offset body}. A killed process leaves whole lines.
 */
final class History implements MessageListenerOrderly {
    private final String member;
    private final FileChannel file;

    History(Command command) throws IOException {
        member = command.text("id");
        file = FileChannel.open(
            Path.of(command.text("history")), StandardOpenOption.WRITE, StandardOpenOption.APPEND);
    }

    @Override
    public ConsumeOrderlyStatus consumeMessage(List<MessageExt> messages, ConsumeOrderlyContext context) {
        try {
            for (MessageExt message : messages) {
                String line = member + ' ' + message.getQueueId() + ' ' + message.getQueueOffset() + ' '
                    + new String(message.getBody(), StandardCharsets.UTF_8) + '\n';
                file.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
            }
            return ConsumeOrderlyStatus.SUCCESS;
        } catch (IOException failure) {
            return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
        }
    }
}
