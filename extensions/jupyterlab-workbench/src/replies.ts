/** The shapes of what the server answers about people, datasets and requests. */

import type { ChecklistItem, Facts, Match } from './replies-governance';

export type Tier = 'open' | 'registered' | 'controlled' | 'undisclosed';

/** Where one person stands with one dataset. */
export type Standing = 'none' | 'submitted' | 'granted' | 'refused' | 'ended' | 'open' | 'undisclosed';

export interface Me {
  person: string;
  name: string;
  roles: string[];
  demo: boolean;
  /** Whom a demo home offers to sign in as; absent elsewhere. */
  accounts?: string[];
}

export interface Dataset {
  name: string;
  title: string;
  tier: Tier;
  custodian: string;
  description: string;
  version: string | null;
  created: string | null;
  /** null where nobody may count them for this person. */
  scans: number | null;
  subjects: number | null;
  modality: string;
  /** What this person's reading is restricted to, in sentences. */
  obligations?: string[];
  allowed: boolean;
  reason: string;
  status: Standing;
  until: string | null;
  purpose: string | null;
  request: string | null;
}

/** A version that somebody brought in and a second person has yet to sign off. */
export interface WaitingVersion {
  dataset: string;
  version: string;
  title: string;
  uploader: string;
  created: string;
  scans: number;
  subjects: number;
  note: string;
  /** How many findings the verifier has; null when it was not asked. */
  findings: number | null;
  has_report: boolean;
  may_publish: boolean;
  /** Why this person may publish it or not. */
  why: string;
}

export interface Version {
  version: string;
  created: string;
  scans: number;
  subjects: number;
}

export interface DatasetCard extends Dataset {
  versions: Version[];
  requests: AccessRequest[];
}

export interface AccessRequest {
  id: string;
  dataset: string;
  person: string;
  purpose: string;
  days: number;
  note?: string;
  status: 'submitted' | 'granted' | 'refused' | 'ended';
  created: string;
  decided_by: string | null;
  reason: string | null;
  until: string | null;
  may_decide?: boolean;
  grant?: string | null;
  /** What the person holds and lacks, for whoever decides and for the person. */
  checklist?: ChecklistItem[];
  match?: Match | null;
  /** What the person declared of the planned use. */
  attestations?: Facts;
}

export interface Purpose {
  id: string;
  label: string;
}

export interface ShippedNotebook {
  folder: string;
  name: string;
  title: string;
}

/** The one form of an error, at every door. */
export interface Refusal {
  error: string;
  code: string;
  message: string;
  fields?: Record<string, string>;
}
