/** Text with what the other run says otherwise marked: by a background, and by <del> and <ins> for those who hear it. */

import * as React from 'react';
import type { Span } from './replies-reports';

export function SplitText({ spans, side }: { spans: Span[]; side: 'first' | 'second' }): React.JSX.Element {
  const Mark = side === 'first' ? 'del' : 'ins';
  return <>{spans.map(([isChanged, text], index) => (isChanged ? <Mark key={index}>{text}</Mark> : <span key={index}>{text}</span>))}</>;
}

/** Two numbers split at the first digit in which they differ. */
export function splitNumbers(first: string, second: string): [Span[], Span[]] {
  let same = 0;
  while (same < first.length && first[same] === second[same]) {
    same += 1;
  }
  if (first === second) {
    same = first.length;
  }
  const split = (text: string): Span[] =>
    ([[false, text.slice(0, same)], [true, text.slice(same)]] as Span[]).filter(([, part]) => part !== '');
  return [split(first), split(second)];
}
