package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.spring.core.RocketMQLocalRequestCallback;
import org.apache.rocketmq.spring.core.RocketMQTemplate;
import org.apache.rocketmq.spring.support.RocketMQHeaders;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.Banner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.messaging.Message;
import org.springframework.messaging.support.MessageBuilder;

/**
 * A Spring Boot application with rocketmq-spring that a spec steers as it steers Peer: commands on
 * standard input, events on standard output. Its argument is {@code ns=} the name servers.
 */
@SpringBootConfiguration
@EnableAutoConfiguration
@Import({
    SpringListeners.Messages.class,
    SpringListeners.Orders.class,
    SpringListeners.InOrder.class,
    SpringListeners.Answers.class,
    SpringListeners.Transactions.class,
})
public class Spring {
    static final int PATIENCE_MS = 30_000;

    @Bean
    static BeanPostProcessor patientProducer() {
        return new BeanPostProcessor() {
            @Override
            public Object postProcessBeforeInitialization(Object bean, String name) {
                if (bean instanceof DefaultMQProducer) {
                    ((DefaultMQProducer) bean).setMqClientApiTimeout(PATIENCE_MS);
                }
                return bean;
            }
        };
    }

    public static void main(String[] args) throws Exception {
        SpringApplication application = new SpringApplication(Spring.class);
        application.setWebApplicationType(WebApplicationType.NONE);
        application.setBannerMode(Banner.Mode.OFF);
        Map<String, Object> settings = new HashMap<>();
        settings.put("rocketmq.name-server", args[0].substring("ns=".length()));
        settings.put("rocketmq.producer.group", "spring-producers");
        settings.put("rocketmq.producer.send-message-timeout", PATIENCE_MS);
        settings.put("logging.level.root", "OFF");
        application.setDefaultProperties(settings);
        ConfigurableApplicationContext context = application.run();
        RocketMQTemplate template = context.getBean(RocketMQTemplate.class);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Events.print("ready");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Command command = new Command(line);
            if ("quit".equals(command.verb)) {
                break;
            }
            try {
                run(command, template);
                Events.print("done", "verb", command.verb);
            } catch (Throwable failure) {
                Events.print("failed", "verb", command.verb, "message", String.valueOf(failure));
            }
        }
        context.close();
        System.exit(0);
    }

    private static void run(Command command, RocketMQTemplate template) throws Exception {
        String destination = command.text("to");
        SpringOrder order = new SpringOrder(command.text("order"), command.number("sum", 0));
        switch (command.verb) {
            case "send":
                print(template.syncSend(destination, message(command, order)));
                break;
            case "in-order":
                print(template.syncSendOrderly(destination, message(command, order), command.text("key")));
                break;
            case "transaction":
                print(template.sendMessageInTransaction(
                    destination, message(command, order), command.text("verdict")));
                break;
            case "ask":
                SpringOrder answer = ask(template, destination, message(command, order));
                Events.print("answer", "id", answer.getId(), "sum", answer.getSum());
                break;
            default:
                throw new IllegalArgumentException(command.verb);
        }
    }

    /**
     * With a callback and a hash key, because of the forms that rocketmq-spring 2.3.3 has this is the
     * one that its client 5.3.1 gets a reply with: the others end with a time-out error, or with no
     * reply, as soon as the broker has acknowledged the send.
     */
    private static SpringOrder ask(
        RocketMQTemplate template, String destination, Message<SpringOrder> question) throws Exception {
        CompletableFuture<SpringOrder> answer = new CompletableFuture<>();
        RocketMQLocalRequestCallback<SpringOrder> callback = new RocketMQLocalRequestCallback<SpringOrder>() {
            @Override
            public void onSuccess(SpringOrder order) {
                answer.complete(order);
            }

            @Override
            public void onException(Throwable failure) {
                answer.completeExceptionally(failure);
            }
        };
        template.sendAndReceive(destination, question, callback, "question", PATIENCE_MS);
        // The callback is told of the time-out too; this is only for the worst case.
        return answer.get(2L * PATIENCE_MS, TimeUnit.MILLISECONDS);
    }

    private static Message<SpringOrder> message(Command command, SpringOrder order) {
        MessageBuilder<SpringOrder> builder = MessageBuilder.withPayload(order);
        if (command.has("keys")) {
            builder.setHeader(RocketMQHeaders.KEYS, command.text("keys"));
        }
        if (command.has("region")) {
            builder.setHeader("region", command.text("region"));
        }
        return builder.build();
    }

    private static void print(SendResult sent) {
        Events.print("sent", "msgId", sent.getMsgId(), "status", sent.getSendStatus());
    }
}
