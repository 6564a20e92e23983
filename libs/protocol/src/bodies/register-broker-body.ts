import { deflateSync, inflateSync } from 'node:zlib';
import { ByteReader, ByteWriter, crc32 } from '@nestjs-rocketmq/foundation';
import { json } from '../command/body-codec.js';
import { WireVersion } from '../frame/version.js';
import { parseFastjson, writeFastjson } from '../json/fastjson.js';
import { list, string, table } from '../json/shape.js';
import { BodyError } from '../protocol.errors.js';
import { dataVersion } from './common.js';
import { registerBrokerBody, topicConfig, topicConfigTable } from './config-tables.js';
import type { RegisterBrokerBody, TopicConfig } from './config-tables.js';

/**
 * The body of REGISTER_BROKER: JSON, or the compact form below inside a zlib stream. All numbers
 * are int32 big-endian, all texts UTF-8 with their length before them:
 * data version as JSON; count of topics, each a text of five parts separated by blanks, with the
 * attributes as JSON behind them; list of filter servers as JSON; from 5.0 on mappings of static
 * topics, which we do not read.
 * Source: `RegisterBrokerBody` of 5.3.3.
 */
const plain = json(registerBrokerBody);
const bareTable = json(topicConfigTable);
const attributesShape = table(string());
const filterServers = list(string());
const encoder = new TextEncoder();

const openBrace = 0x7b;
/** What the compact form may grow to; a broker with 100,000 topics needs about 10 MB. */
const maxInflated = 64 * 1024 * 1024;

/** The check sum that goes into the header: CRC-32 of the body as sent, without the sign bit. */
export function registerBodyCrc(body: Uint8Array): number {
  return crc32(body) & 0x7fffffff;
}

export function encodeRegisterBrokerBody(
  body: RegisterBrokerBody,
  options: { readonly compressed?: boolean } = {},
): Uint8Array {
  return options.compressed === true ? compact(body) : plain.write(body);
}

/**
 * Reads the body of a broker of any version. Brokers of 5.x say in their header that it is not
 * compressed even when it is, so the first byte decides. Throws `BodyError`.
 */
export function decodeRegisterBrokerBody(body: Uint8Array, version: number): RegisterBrokerBody {
  if (body.length === 0) throw new BodyError('the body of a broker registration is empty');
  if (body[0] !== openBrace) return readCompact(body);
  if (version >= WireVersion.V3_0_11) return plain.read(body);
  return { filterServerList: [], topicConfigSerializeWrapper: bareTable.read(body) };
}

function compact(body: RegisterBrokerBody): Uint8Array {
  const { dataVersion: version, topicConfigTable: topics } = body.topicConfigSerializeWrapper;
  const texts = Object.values(topics).map((topic) => encoder.encode(topicLine(topic)));
  const versionText = encoder.encode(writeFastjson(dataVersion.write(version)));
  const servers = encoder.encode(writeFastjson(body.filterServerList));
  const writer = new ByteWriter();
  const put = (text: Uint8Array): ByteWriter => writer.int32(text.length).raw(text);
  put(versionText);
  writer.int32(texts.length);
  for (const text of texts) put(text);
  put(servers);
  writer.int32(0);
  return deflateSync(writer.finish(), { level: 9 });
}

function topicLine(topic: TopicConfig): string {
  const { topicName, readQueueNums, writeQueueNums, perm, topicFilterType } = topic;
  const line = `${topicName} ${readQueueNums} ${writeQueueNums} ${perm} ${topicFilterType}`;
  // Name servers of 4.x refuse a sixth part.
  if (Object.keys(topic.attributes).length === 0) return line;
  return `${line} ${writeFastjson(attributesShape.write(topic.attributes))}`;
}

function readCompact(body: Uint8Array): RegisterBrokerBody {
  try {
    const reader = new ByteReader(inflateSync(body, { maxOutputLength: maxInflated }));
    const text = (): string => reader.text(reader.int32());
    const version = dataVersion.read(parseFastjson(text()), 'data version');
    const topics: [string, TopicConfig][] = [];
    for (let count = reader.int32(); count > 0; count -= 1) {
      const topic = readTopicLine(text());
      topics.push([topic.topicName, topic]);
    }
    return {
      filterServerList: filterServers.read(parseFastjson(text()), 'filter servers'),
      topicConfigSerializeWrapper: {
        dataVersion: version,
        topicConfigTable: Object.fromEntries(topics),
      },
    };
  } catch (error) {
    if (error instanceof BodyError) throw error;
    throw new BodyError('the compressed body of a broker registration is broken', { cause: error });
  }
}

function readTopicLine(line: string): TopicConfig {
  const [name, readQueues, writeQueues, perm, filterType, ...rest] = line.split(' ');
  const attributes = rest.join(' ');
  return topicConfig.read(
    {
      topicName: name,
      readQueueNums: readQueues,
      writeQueueNums: writeQueues,
      perm,
      topicFilterType: filterType,
      attributes: attributes === '' ? {} : parseFastjson(attributes),
    },
    'topic',
  );
}
