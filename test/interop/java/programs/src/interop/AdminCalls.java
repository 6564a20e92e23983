package interop;

import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.HashSet;

/**
 * Calls of the official admin tools, and of the client below them, that no command of mqadmin makes. Found
 * by reflection because the client-only module has no tools.
 */
final class AdminCalls {
    private static final String TOOLS = "org.apache.rocketmq.tools.admin.DefaultMQAdminExt";

    private AdminCalls() {
    }

    /**
     * {@code method} with {@code args}, split by line feeds; of the tools, or with {@code below} of the
     * client's API. A set is written with semicolons. A refusal is an answer, too, and printed.
     */
    static void call(Command command) throws Exception {
        Class<?> type = Class.forName(TOOLS);
        Object admin = type.getConstructor().newInstance();
        type.getMethod("setNamesrvAddr", String.class).invoke(admin, command.text("ns"));
        type.getMethod("setInstanceName", String.class).invoke(admin, "admin-calls");
        type.getMethod("start").invoke(admin);
        try {
            Object target = command.flag("below") ? clientBelow(admin) : admin;
            String[] words = command.text("args", "").split("\n", -1);
            Method method = find(target.getClass(), command.text("method"), words);
            Object result = method.invoke(target, converted(method.getParameterTypes(), words));
            Events.print("called", "method", command.text("method"), "text", String.valueOf(result));
        } catch (InvocationTargetException refusal) {
            Events.print(
                "called",
                "method", command.text("method"),
                "refused", String.valueOf(refusal.getCause()));
        } finally {
            type.getMethod("shutdown").invoke(admin);
        }
    }

    private static Object clientBelow(Object admin) throws Exception {
        Object instance = valueOf(valueOf(admin, "defaultMQAdminExtImpl"), "mqClientInstance");
        return instance.getClass().getMethod("getMQClientAPIImpl").invoke(instance);
    }

    private static Object valueOf(Object owner, String name) throws Exception {
        Field field = owner.getClass().getDeclaredField(name);
        field.setAccessible(true);
        return field.get(owner);
    }

    private static Method find(Class<?> type, String name, String[] words) throws NoSuchMethodException {
        for (Method method : type.getMethods()) {
            boolean fits = method.getName().equals(name) && method.getParameterCount() == words.length;
            if (fits && converted(method.getParameterTypes(), words) != null) {
                return method;
            }
        }
        throw new NoSuchMethodException(type.getSimpleName() + "." + name);
    }

    /** Null when a word has no such type. */
    private static Object[] converted(Class<?>[] types, String[] words) {
        Object[] values = new Object[words.length];
        for (int i = 0; i < words.length; i++) {
            values[i] = valueAs(types[i].getSimpleName().toLowerCase(), words[i]);
            if (values[i] == null) {
                return null;
            }
        }
        return values;
    }

    private static Object valueAs(String type, String word) {
        switch (type) {
            case "string":
                return word;
            case "set":
                return new HashSet<>(Arrays.asList(word.split(";")));
            case "boolean":
                return Boolean.valueOf(word);
            case "long":
                return word.matches("\\d+") ? Long.valueOf(word) : null;
            default:
                return null;
        }
    }
}
