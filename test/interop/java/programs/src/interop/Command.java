package interop;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** One line that a spec sends: a verb and percent-encoded {@code name=value} pairs, split by blanks. */
final class Command {
    final String verb;
    private final Map<String, String> values = new HashMap<>();

    Command(String line) {
        String[] parts = line.trim().split(" +");
        verb = parts[0];
        for (int i = 1; i < parts.length; i++) {
            int equals = parts[i].indexOf('=');
            values.put(
                parts[i].substring(0, equals),
                URLDecoder.decode(parts[i].substring(equals + 1), StandardCharsets.UTF_8));
        }
    }

    boolean has(String name) {
        return values.containsKey(name);
    }

    String text(String name) {
        String value = values.get(name);
        if (value == null) {
            throw new IllegalArgumentException(verb + " needs " + name);
        }
        return value;
    }

    String text(String name, String fallback) {
        return values.getOrDefault(name, fallback);
    }

    int number(String name, int fallback) {
        return has(name) ? Integer.parseInt(text(name)) : fallback;
    }

    boolean flag(String name) {
        return "true".equals(values.get(name));
    }
}
