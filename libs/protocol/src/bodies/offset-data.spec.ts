import { ResetConsumerClientOffset } from '../commands/offsets.js';

const queue = { topic: 't', brokerName: 'b', queueId: 3 };

describe('where a reset moves queues', () => {
  const read = (text: string) =>
    ResetConsumerClientOffset.askBody.read(new TextEncoder().encode(text)).offsetTable;

  it.each([
    ["Java's table", '{"offsetTable":{{"brokerName":"b","queueId":3,"topic":"t"}:7}}'],
    ['the list for C++', '{"offsetTable":[{"brokerName":"b","offset":7,"queueId":3,"topic":"t"}]}'],
  ])('is read from %s', (_, text) => {
    expect(read(text)).toEqual([[queue, 7]]);
  });

  it('is nowhere when nothing is said', () => {
    expect(read('{}')).toEqual([]);
  });
});
