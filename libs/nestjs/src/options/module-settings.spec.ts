import { readModuleOptions } from './module-settings.js';
import type { RocketMQModuleOptions } from './module-options.js';
import { Problems } from './problems.js';

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
