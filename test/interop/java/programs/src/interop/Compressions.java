package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import org.apache.rocketmq.common.compression.CompressionType;
import org.apache.rocketmq.common.compression.Compressor;
import org.apache.rocketmq.common.compression.CompressorFactory;

/**
 * Compresses and decompresses bodies with the official compressors. A line "pack TYPE LEVEL bytes"
 * is answered with the compressed bytes, a line "unpack TYPE bytes" with the SHA-256 of the plain
 * ones; bytes are in base64.
 */
public final class Compressions {
    private Compressions() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            String[] parts = line.split(" ");
            Compressor compressor = CompressorFactory.getCompressor(CompressionType.of(parts[1]));
            byte[] bytes = Base64.getDecoder().decode(parts[parts.length - 1]);
            if (parts[0].equals("pack")) {
                byte[] packed = compressor.compress(bytes, Integer.parseInt(parts[2]));
                Events.print("packed", "bytes", Base64.getEncoder().encodeToString(packed));
            } else {
                Events.print("unpacked", "sha", shaOf(compressor.decompress(bytes)));
            }
        }
        System.exit(0);
    }

    private static String shaOf(byte[] bytes) throws Exception {
        StringBuilder text = new StringBuilder();
        for (byte one : MessageDigest.getInstance("SHA-256").digest(bytes)) {
            text.append(String.format("%02x", one));
        }
        return text.toString();
    }
}
