import { readModuleOptions } from './module-settings.js';
import type { RocketMQModuleOptions } from './module-options.js';
import { Problems } from './problems.js';
import type { TraceSettings } from './trace-option.js';

function read(options: RocketMQModuleOptions) {
  const problems = new Problems();
  const settings = readModuleOptions(options, problems);
  const sentences = () => problems.list.map(({ sentence }) => sentence).join('\n');
  return { settings, sentences };
}

describe('the options of a connection', () => {
  const credentials = { accessKey: 'orders', secretKey: 'S3CRET' };

  it('hands what is for the client on, for each connection by itself', () => {
    const { settings, sentences } = read({
      nameServers: 'a:1',
      credentials,
      connections: { audit: { nameServerAddressUrl: 'http://b:8080/list', tls: true } },
    });
    expect(sentences()).toBe('');
    expect(settings.connections.get('default')?.client).toEqual({ credentials });
    expect(settings.connections.get('audit')?.client).toEqual({
      nameServerAddressUrl: 'http://b:8080/list',
      tls: true,
    });
  });

  it('wants name servers or where their list is had', () => {
    expect(read({ connections: { audit: {} } }).sentences()).toContain("'nameServers' is missing");
    expect(read({}).sentences()).toContain("'nameServers' is missing");
    expect(read({ nameServerAddressUrl: 'http://b:8080/list' }).sentences()).toBe('');
  });

  it('says what is wrong with them and shows no secret', () => {
    const wrong = { nameServers: 'a:1', credentials: 'orders:S3CRET', tls: 'S3CRET' };
    const sentence = read(wrong as never).sentences();
    expect(sentence).toContain("'credentials' must be { accessKey, secretKey }");
    expect(sentence).toContain("'tls' must be true, { ca, cert, key, ... }");
    expect(sentence).not.toContain('S3CRET');
  });
});

describe('trace', () => {
  const reader = { group: 'reader', topic: 'orders' };
  const wanted = (trace: boolean | TraceSettings) => {
    const options = { nameServers: 'a:1', producer: { trace } };
    const { settings, sentences } = read({
      ...options,
      pullConsumers: { reader: { ...reader, trace } },
    });
    expect(sentences()).toBe('');
    const { producer, pullConsumers } = settings.connections.get('default') ?? {};
    return [producer, pullConsumers?.get('reader')];
  };

  it.each<[boolean | TraceSettings, object]>([
    [false, { trace: false, traceTopic: undefined }],
    [true, { trace: true, traceTopic: undefined }],
    [{ topic: 'traces' }, { trace: true, traceTopic: 'traces' }],
  ])('has the shape that listeners have, for producers and pull consumers: %j', (trace, values) => {
    expect(wanted(trace)).toMatchObject([values, values]);
  });

  it.each<[object, string]>([
    [{ trace: true, traceTopic: 't' }, "'traceTopic' is not an option; write trace: { topic }"],
    [{ customizedTraceTopic: 't' }, "is Java's name; write trace: { topic } of a producer"],
    [{ trace: {} }, "'trace' must be true, false or { topic }"],
    [{ trace: { topic: 't', topik: 1 } }, "trace: 'topik' is not an option; did you mean 'topic'?"],
  ])('is refused in other shapes: %j', (given, told) => {
    const producer = read({ nameServers: 'a:1', producer: given }).sentences();
    const pullConsumers = { reader: { ...reader, ...given } };
    const pulling = read({ nameServers: 'a:1', pullConsumers }).sentences();
    expect(producer).toContain(told);
    expect(pulling).toContain(told);
  });
});
