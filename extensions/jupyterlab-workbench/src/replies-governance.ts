/** The shapes of what the server answers about terms, evidence, grants, policies and the audit log. */

export type Answer = 'yes' | 'no' | 'review';

/** What one term of the permitted use says to a planned use. */
export interface TermAnswer {
  code: string;
  label: string;
  answer: Answer;
  text: string;
  value?: string;
}

export interface Match {
  answer: Answer;
  terms: TermAnswer[];
}

/** One line of what a person needs to read a dataset. */
export interface ChecklistItem {
  key: string;
  label: string;
  /** null: somebody else has yet to look. */
  met: boolean | null;
  text: string;
  until: string | null;
  next: string;
}

/** What somebody declares of a planned use; what is left out counts as not known. */
export type Facts = Record<string, string | boolean>;

export interface Agreement {
  dataset: string;
  version: number;
  title: string;
  text: string;
  author: string;
  created: string;
  /** When this person accepted this version; null while they have not. */
  accepted: string | null;
}

/** One term of a dataset's permitted use. */
export interface Term {
  code: string;
  label: string;
  value: string;
  /** Why the term always needs a look; empty where it is matched by itself. */
  note: string;
}

export interface KnownTerm {
  code: string;
  short: string;
  label: string;
  definition: string;
  kind: string;
  /** What its value says; empty where the term takes none. */
  parameter: string;
}

export interface Usage {
  terms: Term[];
  /** Kinds of training that the dataset asks for. */
  training: string[];
  /** Every term there is to choose from. */
  known: KnownTerm[];
}

export interface Training {
  id: string;
  person: string;
  kind: string;
  provider: string;
  issued: string;
  ends: string;
  /** When somebody ended it early. */
  ended: string | null;
}

export interface Visa {
  id: string;
  issuer: string;
  source: string;
  type: string;
  value: string;
  expires: string;
}

/** Visas that count for a dataset: of one issuer and source, saying one exact thing. */
export interface TrustedVisa extends Omit<Visa, 'expires'> {
  dataset: string | null;
  is_approval: boolean | number;
}

/** What the person has and lacks for a dataset and a purpose, and what its terms of use say. */
export interface DatasetChecklist {
  items: ChecklistItem[];
  match: Match | null;
}

export interface Project {
  id: string;
  title: string;
  members: string[];
}

export interface Grant {
  id: string;
  dataset: string;
  person: string;
  purpose: string;
  starts: string;
  ends: string;
  is_active: boolean;
  may_revoke: boolean;
}

export interface Policy {
  dataset: string;
  number: number;
  text: string;
  author: string | null;
  created: string | null;
}

/** What the check of a policy found. */
export interface PolicyCheck {
  ok: boolean;
  mistakes: { line: number; column: number; text: string; nearest: string }[];
  examples: { line: number; title: string; expected: string; got: string; ok: boolean }[];
  policies: { id: string; line: number; effect: string; actions: string[]; obligations: string[] }[];
}

export interface Explanation {
  allowed: boolean;
  reason: string;
  obligations: string[];
  /** Those that decided; of the house or the custodian's own. */
  policies: { id: string; source: string; line: number; effect: string; title: string }[];
  changes: string[];
  missing: ChecklistItem[];
}

export interface AuditEvent {
  seq: number;
  time: string;
  actor: string;
  action: string;
  resource: string;
  outcome: string;
  reason: string;
  hash: string;
  details: Record<string, unknown>;
}

export interface AuditVerdict {
  ok: boolean;
  events: number;
  first_bad?: number | null;
  reason?: string;
  head: string;
}

export interface AuditFilter {
  person: string;
  action: string;
  resource: string;
  outcome: string;
}

export interface InstalledPackage {
  name: string;
  version: string;
  sha256: string;
  licence: string;
  /** Whether somebody asked for it, and not another package. */
  asked: boolean;
}

export interface PackageRequest {
  id: string;
  person: string;
  names: string[];
  removed: string[];
  reason: string;
  state: string;
  /** Why it failed. */
  message: string | null;
  may_decide: boolean;
}

export interface Packages {
  packages: InstalledPackage[];
  requests: PackageRequest[];
  /** What is installed without anybody's word. */
  listed: string[];
}
