/** The shapes of what the server answers about the airlock. */

/** One thing that an automatic check found. */
export interface Finding {
  file: string;
  place: string;
  rule: string;
  reason: string;
  severity: 'stop' | 'look';
}

export interface OfferFile {
  name: string;
  kind: string;
  bytes: number;
  sha256: string;
  findings: Finding[];
}

export type Vote = 'approve' | 'changes' | 'reject';

export interface OfferVote {
  person: string;
  vote: Vote;
  comment: string;
  time: string;
}

export type OfferVerb = 'edit' | 'submit' | 'vote' | 'withdraw' | 'release' | 'reject' | 'look' | 'download';

export interface Offer {
  id: string;
  person: string;
  project: string;
  reason: string;
  controls: string;
  state: string;
  created: string;
  /** Counts the changes of its files; a vote is for the revision that was looked at. */
  revision: number;
  files: OfferFile[];
  /** Files that help to judge the others and never leave. */
  evidence: Pick<OfferFile, 'name' | 'bytes' | 'sha256'>[];
  /** Blind: until every checker voted, only one's own. */
  votes: OfferVote[];
  votes_given: number;
  votes_needed: number;
  history: { time: string; actor: string; verb: string; state: string; comment: string }[];
  /** What left, with the signed checkpoint of the log; null before the release. */
  ledger: Record<string, unknown> | null;
  /** What this person may do with it now. */
  may: OfferVerb[];
}

export interface OfferForm {
  files: string[];
  reason: string;
  controls: string;
  draft: boolean;
}

/** A file of the workspace that the airlock can judge. */
export interface WorkspaceFile {
  path: string;
  bytes: number;
  modified: string;
}

export interface Scan {
  file: string;
  kind: string;
  sha256: string;
  allowed: boolean;
  findings: Finding[];
}

/** A piece of an offered file in a form that can run nothing. */
export type PreviewPart =
  | { kind: 'text'; label: string; text: string }
  | { kind: 'table'; label: string; columns: string[]; rows: string[][] }
  | { kind: 'image'; label: string; png?: string; svg?: string };

export interface Preview {
  parts: PreviewPart[];
  /** The part to go on with; null at the end. */
  next: number | null;
}
