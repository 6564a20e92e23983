package interop;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads, from the official jars on the class path, which keys the servers take from their files: the
 * setters with one plain argument of every class that a properties file is poured into.
 */
public final class ReadSettings {
    private static final String[] CLASSES = {
        "org.apache.rocketmq.common.BrokerConfig",
        "org.apache.rocketmq.common.ControllerConfig",
        "org.apache.rocketmq.common.namesrv.NamesrvConfig",
        "org.apache.rocketmq.store.config.MessageStoreConfig",
        "org.apache.rocketmq.remoting.netty.NettyServerConfig",
        "org.apache.rocketmq.remoting.netty.NettyClientConfig",
        "org.apache.rocketmq.auth.config.AuthConfig",
    };

    private ReadSettings() {
    }

    public static void main(String[] args) throws Exception {
        for (String name : CLASSES) {
            try {
                read(Class.forName(name));
            } catch (ClassNotFoundException absent) {
                // 4.9 has neither a controller nor AuthConfig.
            }
        }
        System.exit(0);
    }

    private static void read(Class<?> type) {
        Map<String, Object> keys = new TreeMap<>();
        for (Method method : type.getMethods()) {
            String name = method.getName();
            Class<?>[] taken = method.getParameterTypes();
            if (!name.startsWith("set") || taken.length != 1 || Modifier.isStatic(method.getModifiers())) {
                continue;
            }
            if (taken[0].isPrimitive() || taken[0] == String.class) {
                keys.put(Character.toLowerCase(name.charAt(3)) + name.substring(4), taken[0].getSimpleName());
            }
        }
        List<Object> fields = new ArrayList<>();
        for (Class<?> c = type; c != Object.class; c = c.getSuperclass()) {
            for (Field field : c.getDeclaredFields()) {
                fields.add(field.getName());
            }
        }
        Events.print("settings", "config", type.getSimpleName(), "keys", keys, "fields", fields);
    }
}
