package interop;

import java.io.PrintStream;
import java.util.Map;

/** Prints one JSON object per line; every line starts with {@code {"event":}. */
final class Events {
    /** Kept, because mqadmin commands run with a captured System.out. */
    private static final PrintStream OUT = System.out;

    private Events() {
    }

    /** @param pairs name, value, name, value; maps become objects, numbers and booleans stay bare */
    static void print(String event, Object... pairs) {
        StringBuilder out = new StringBuilder("{\"event\":");
        write(out, event);
        for (int i = 0; i < pairs.length; i += 2) {
            out.append(',');
            write(out, pairs[i]);
            out.append(':');
            write(out, pairs[i + 1]);
        }
        out.append('}');
        synchronized (Events.class) {
            OUT.println(out);
            OUT.flush();
        }
    }

    static void write(StringBuilder out, Object value) {
        if (value == null || value instanceof Number || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Map) {
            writeMap(out, (Map<?, ?>) value);
        } else if (value instanceof Iterable) {
            writeList(out, (Iterable<?>) value);
        } else {
            writeText(out, value.toString());
        }
    }

    private static void writeMap(StringBuilder out, Map<?, ?> map) {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.append(separator);
            writeText(out, String.valueOf(entry.getKey()));
            out.append(':');
            write(out, entry.getValue());
            separator = ",";
        }
        out.append('}');
    }

    private static void writeList(StringBuilder out, Iterable<?> list) {
        out.append('[');
        String separator = "";
        for (Object item : list) {
            out.append(separator);
            write(out, item);
            separator = ",";
        }
        out.append(']');
    }

    private static void writeText(StringBuilder out, String text) {
        out.append('"');
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c > 0x7e) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
