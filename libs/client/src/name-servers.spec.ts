import { NameServers, parseNameServers } from './name-servers.js';

describe('parseNameServers', () => {
  it('reads a text with semicolons, an array, and the http form of Java clients', () => {
    expect(parseNameServers('a:1; b:2')).toEqual(['a:1', 'b:2']);
    expect(parseNameServers(['a:1', 'b:2;a:1'])).toEqual(['a:1', 'b:2']);
    expect(parseNameServers('http://a:1')).toEqual(['a:1']);
  });

  it.each([undefined, '', 'a', 'a:0', 'a:99999', ':1'])(
    'refuses %p and says what to write',
    (given) => {
      expect(() => parseNameServers(given)).toThrow(/host1:9876;host2:9876/);
    },
  );
});

describe('NameServers', () => {
  it('keeps to the one that answered last', () => {
    const servers = new NameServers(['a:1', 'b:2', 'c:3'], 0);
    servers.answered('b:2');
    expect(servers.inOrder()).toEqual(['b:2', 'c:3', 'a:1']);
  });
});
