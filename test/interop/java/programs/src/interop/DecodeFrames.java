package interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;

/** Reads frames in hex, one per line, and prints what the official decoder sees in them. */
public final class DecodeFrames {
    private DecodeFrames() {
    }

    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null && !line.isBlank(); line = in.readLine()) {
            byte[] frame = bytes(line.trim());
            // The decoder of the servers has taken the length word off by then.
            ByteBuffer rest = ByteBuffer.wrap(frame, 4, frame.length - 4).slice();
            RemotingCommand command = RemotingCommand.decode(rest);
            Map<String, String> fields =
                command.getExtFields() == null ? null : new TreeMap<>(command.getExtFields());
            Events.print(
                "frame",
                "code", command.getCode(),
                "language", command.getLanguage() == null ? null : command.getLanguage().name(),
                "version", command.getVersion(),
                "opaque", command.getOpaque(),
                "flag", command.getFlag(),
                "remark", command.getRemark(),
                "extFields", fields,
                "bodyLength", command.getBody() == null ? 0 : command.getBody().length);
        }
        System.exit(0);
    }

    static byte[] bytes(String hex) {
        byte[] bytes = new byte[hex.length() / 2];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) Integer.parseInt(hex.substring(2 * i, 2 * i + 2), 16);
        }
        return bytes;
    }
}
