package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Evaluates SQL92 filters with the official parser. A line "set name value name value" adds a set of
 * properties, a line "sql expression" is evaluated over every set so far; texts are UTF-8 in hex.
 * One letter per set: T, F, N (unknown), E (thrown), or one "!" for an expression that is refused.
 */
public final class EvaluateFilters {
    private EvaluateFilters() {
    }

    public static void main(String[] args) throws Exception {
        Method parse = Class.forName("org.apache.rocketmq.filter.parser.SelectorParser")
            .getMethod("parse", String.class);
        Class<?> context = Class.forName("org.apache.rocketmq.filter.expression.EvaluationContext");
        Method evaluate = Class.forName("org.apache.rocketmq.filter.expression.Expression")
            .getMethod("evaluate", context);
        List<Object> sets = new ArrayList<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            String[] parts = line.split(" ", -1);
            if (parts[0].equals("set")) {
                sets.add(setOf(context, parts));
            } else {
                Events.print("filter", "results", resultsOf(parse, evaluate, text(parts[1]), sets));
            }
        }
        System.exit(0);
    }

    private static Object setOf(Class<?> context, String[] parts) {
        Map<String, String> properties = new HashMap<>();
        for (int i = 1; i + 1 < parts.length; i += 2) {
            properties.put(text(parts[i]), text(parts[i + 1]));
        }
        return Proxy.newProxyInstance(context.getClassLoader(), new Class<?>[] {context},
            (proxy, method, given) -> method.getName().equals("get") ? properties.get(given[0]) : null);
    }

    private static String resultsOf(Method parse, Method evaluate, String sql, List<Object> sets) {
        Object expression;
        try {
            expression = parse.invoke(null, sql);
        } catch (ReflectiveOperationException refused) {
            return "!";
        }
        StringBuilder results = new StringBuilder();
        for (Object set : sets) {
            results.append(letterOf(evaluate, expression, set));
        }
        return results.toString();
    }

    private static char letterOf(Method evaluate, Object expression, Object set) {
        try {
            Object value = evaluate.invoke(expression, set);
            return value == null ? 'N' : Boolean.TRUE.equals(value) ? 'T' : 'F';
        } catch (ReflectiveOperationException thrown) {
            return 'E';
        }
    }

    private static String text(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return new String(bytes, StandardCharsets.UTF_8);
    }
}
