import { SeededRandom } from '@nestjs-rocketmq/foundation/testing';
import { TopicTexts } from './topic-texts.js';

describe('TopicTexts', () => {
  it('answers the text of the bytes, whichever were asked for before', () => {
    const texts = new TopicTexts();
    const random = new SeededRandom(1);
    const encoder = new TextEncoder();
    for (let i = 0; i < 5000; i += 1) {
      const topic = random.below(20) === 0 ? '' : `größe_${random.below(1000)}`;
      const bytes = encoder.encode(`xx${topic}yy`);
      expect(texts.of(bytes, 2, bytes.length - 2)).toBe(topic);
    }
  });
});
