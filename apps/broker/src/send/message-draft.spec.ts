import { spanOf } from '@nestjs-rocketmq/foundation';
import { decodeProperties } from '@nestjs-rocketmq/message';
import { MessageDraft, realPlaceText } from './message-draft.js';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('the draft that all messages of a processor use in turn', () => {
  const texts = { regionId: 'here', traceOn: true, brokerClusterName: 'cluster' };
  const additionsOf = ({ suffix }: MessageDraft) =>
    decodeProperties(new TextDecoder().decode(suffix.bytes.subarray(suffix.from, suffix.to)));

  it('gives a message its own additions after one whose properties were written anew', () => {
    const draft = new MessageDraft({ host: new Uint8Array(4), port: 1 }, texts);
    draft.begin();
    const own = additionsOf(draft);
    draft.properties = spanOf(bytes('KEYS\u0001k\u0002'));
    draft.rewriteProperties({});
    draft.addBytes(realPlaceText('%RETRY%a-group-with-a-long-name', 0));
    draft.begin();
    expect(additionsOf(draft)).toEqual(own);
    expect(own).toEqual({ MSG_REGION: 'here', TRACE_ON: 'true', CLUSTER: 'cluster' });
  });
});
