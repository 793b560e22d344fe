/** The visa issuers whose word a custodian takes for one dataset. */

import * as React from 'react';
import type { Desk } from './parts';

export function TrustedVisas({ desk }: { desk: Desk; dataset: string }): React.JSX.Element {
  return <p className="wb-Dim">{desk.trans.__('No issuer of visas is trusted for this dataset.')}</p>;
}
