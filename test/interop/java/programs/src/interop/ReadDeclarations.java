package interop;

import java.io.File;
import java.lang.annotation.Annotation;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarFile;

/**
 * Reads, from the official jars on the class path, every request and response code with its number and
 * every header class with the fields that travel (those of the whole hierarchy, static ones left out).
 */
public final class ReadDeclarations {
    private ReadDeclarations() {
    }

    public static void main(String[] args) throws Exception {
        for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (entry.matches(".*rocketmq-(remoting|common)-[0-9.]+\\.jar")) {
                readJar(entry);
            }
        }
        System.exit(0);
    }

    private static void readJar(String path) throws Exception {
        try (JarFile jar = new JarFile(path)) {
            jar.stream()
                .map(entry -> entry.getName())
                .filter(name -> name.endsWith(".class") && !name.contains("$"))
                .map(name -> name.substring(0, name.length() - 6).replace('/', '.'))
                .sorted()
                .forEach(ReadDeclarations::read);
        }
    }

    private static void read(String name) {
        String simple = name.substring(name.lastIndexOf('.') + 1);
        boolean codes = simple.equals("RequestCode") || simple.equals("ResponseCode")
            || simple.equals("RemotingSysResponseCode");
        if (!codes && !name.contains(".protocol.header.")) {
            return;
        }
        try {
            Class<?> type = Class.forName(name);
            if (codes) {
                printCodes(simple, type);
            } else if (isHeader(type) && !Modifier.isAbstract(type.getModifiers())) {
                Events.print("header", "name", simple, "code", codeOf(type), "fields", fields(type));
            }
        } catch (ReflectiveOperationException | LinkageError failure) {
            Events.print("unreadable", "name", name, "message", failure.toString());
        }
    }

    private static boolean isHeader(Class<?> type) {
        for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            for (Class<?> face : c.getInterfaces()) {
                if (face.getSimpleName().equals("CommandCustomHeader")
                    || face.getSimpleName().equals("FastCodesHeader")) {
                    return true;
                }
            }
        }
        return false;
    }

    private static void printCodes(String table, Class<?> type) throws ReflectiveOperationException {
        Map<String, Object> codes = new TreeMap<>();
        for (Class<?> c = type; c != null && c != Object.class; c = c.getSuperclass()) {
            for (Field field : c.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers())
                    && (field.getType() == int.class || field.getType() == short.class)) {
                    field.setAccessible(true);
                    codes.put(field.getName(), field.get(null));
                }
            }
        }
        Events.print("codes", "table", table, "codes", codes);
    }

    private static List<Object> fields(Class<?> type) {
        List<Object> fields = new ArrayList<>();
        for (Class<?> c = type; c != null && c != Object.class; c = c.getSuperclass()) {
            for (Field field : c.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers()) || field.getName().startsWith("this")) {
                    continue;
                }
                Map<String, Object> one = new LinkedHashMap<>();
                one.put("name", field.getName());
                one.put("type", field.getType().getSimpleName());
                one.put("required", hasAnnotation(field, "CFNotNull"));
                fields.add(one);
            }
        }
        return fields;
    }

    private static boolean hasAnnotation(Field field, String name) {
        for (Annotation annotation : field.getAnnotations()) {
            if (annotation.annotationType().getSimpleName().equals(name)) {
                return true;
            }
        }
        return false;
    }

    /** 5.x marks header classes with their code; 4.x does not. */
    private static Object codeOf(Class<?> type) throws ReflectiveOperationException {
        for (Annotation annotation : type.getAnnotations()) {
            if (annotation.annotationType().getSimpleName().equals("RocketMQAction")) {
                return annotation.annotationType().getMethod("value").invoke(annotation);
            }
        }
        return null;
    }
}
