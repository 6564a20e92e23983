import { NameServers, parseNameServers } from './name-servers.js';

describe('parseNameServers', () => {
  it('reads a text with semicolons, an array, and the http form of Java clients', () => {
    expect(parseNameServers('a:1; b:2')).toEqual(['a:1', 'b:2']);
    expect(parseNameServers(['a:1', 'b:2;a:1'])).toEqual(['a:1', 'b:2']);
    expect(parseNameServers('http://a:1')).toEqual(['a:1']);
  });

  it('reads IPv6 addresses in brackets, and says so of others', () => {
    expect(parseNameServers('[::1]:9876;[fe80::1%eth0]:1')).toEqual([
      '[::1]:9876',
      '[fe80::1%eth0]:1',
    ]);
    expect(() => parseNameServers('::1:9876')).toThrow('an IPv6 address stands in brackets');
  });

  it.each([undefined, '', 'a', 'a b:1', 'a:1/x', '[::1]', 'a:0', 'a:99999', ':1'])(
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

  it('keeps to the one in use when the list changes, and says who is gone', () => {
    const servers = new NameServers(['a:1', 'b:2', 'c:3'], 1);
    expect(servers.replace(['d:4', 'b:2'])).toEqual(['a:1', 'c:3']);
    expect(servers.inOrder()).toEqual(['b:2', 'd:4']);
    expect(servers.replace(['e:5'])).toEqual(['d:4', 'b:2']);
    expect(servers.inOrder()).toEqual(['e:5']);
  });
});
