package interop;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import org.apache.rocketmq.remoting.RPCHook;

/**
 * Runs commands of the official mqadmin inside this JVM and prints what each wrote. The tools are found
 * by reflection because the client-only module has none.
 */
final class AdminShell {
    private AdminShell() {
    }

    /** {@code args}: the command line, words split by line feeds. */
    static void run(Command command) throws Exception {
        Class<?> tools = Class.forName("org.apache.rocketmq.tools.command.MQAdminStartup");
        Method main = tools.getMethod("main0", String[].class, RPCHook.class);
        if (command.flag("fresh")) {
            forgetCommands(tools);
        }
        String line = command.text("args", "");
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(text, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(errors, true, StandardCharsets.UTF_8));
            main.invoke(null, line.isEmpty() ? new String[0] : line.split("\n"), null);
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
        Events.print(
            "admin",
            "args", line.replace('\n', ' '),
            "out", text.toString(StandardCharsets.UTF_8),
            "err", errors.toString(StandardCharsets.UTF_8));
    }

    /** Objects of commands are made once per JVM, and some keep a client that they have closed. */
    private static void forgetCommands(Class<?> tools) throws Exception {
        for (String name : new String[] {"SUB_COMMANDS", "subCommandList"}) {
            try {
                Field field = tools.getDeclaredField(name);
                field.setAccessible(true);
                ((Collection<?>) field.get(null)).clear();
            } catch (NoSuchFieldException other) {
                // Another version's name.
            }
        }
    }

    /** One question that no mqadmin command of every version asks: the settings of one group. */
    static void readGroupConfig(Command command) throws Exception {
        Class<?> type = Class.forName("org.apache.rocketmq.tools.admin.DefaultMQAdminExt");
        Object admin = type.getConstructor().newInstance();
        type.getMethod("setNamesrvAddr", String.class).invoke(admin, command.text("ns"));
        type.getMethod("setInstanceName", String.class).invoke(admin, "group-config");
        type.getMethod("start").invoke(admin);
        try {
            Object config = type.getMethod("examineSubscriptionGroupConfig", String.class, String.class)
                .invoke(admin, command.text("address"), command.text("group"));
            Events.print("group-config", "text", String.valueOf(config));
        } finally {
            type.getMethod("shutdown").invoke(admin);
        }
    }
}
