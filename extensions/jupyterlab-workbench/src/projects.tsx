/** Projects: what people work on together; a release and what was released before belong to one. */

import * as React from 'react';
import { Problem, TextField } from './forms';
import { useAttempt, useReply } from './hooks';
import { Button, type Desk } from './parts';

const EMPTY = { id: '', title: '', members: '' };

export function Projects({ desk }: { desk: Desk }): React.JSX.Element {
  const { trans, workbench } = desk;
  const projects = useReply(() => workbench.api.projects(), `projects ${workbench.news}`);
  const [form, setForm] = React.useState(EMPTY);
  const [busy, problem, attempt] = useAttempt();
  const set = (name: keyof typeof EMPTY) => (value: string) => {
    setForm({ ...form, [name]: value });
  };
  return (
    <>
      {projects.value?.length ? (
        <ul className="wb-Files">
          {projects.value.map(project => (
            <li key={project.id} data-project={project.id}>
              <p className="wb-RowTitle">
                <span>{project.title}</span>
                <Button
                  label={trans.__('Change project %1', project.id)}
                  onClick={() => {
                    setForm({ ...project, members: project.members.join(', ') });
                  }}
                >
                  {trans.__('Change')}
                </Button>
              </p>
              <p className="wb-Dim">{[project.id, project.members.join(', ')].join(' · ')}</p>
            </li>
          ))}
        </ul>
      ) : (
        <p className="wb-Dim">{trans.__('No project yet: each person’s releases count by themselves.')}</p>
      )}
      <form
        className="wb-Form"
        aria-label={trans.__('Set a project')}
        onSubmit={event => {
          event.preventDefault();
          attempt(async () => {
            const members = form.members.split(/[\s,]+/).filter(Boolean);
            await workbench.change(() => workbench.api.setProject({ ...form, members }));
            setForm(EMPTY);
          });
        }}
      >
        <div className="wb-Filter">
          <div>
            <TextField label={trans.__('Project')} hint="nodule-study" required value={form.id} onChange={set('id')} />
          </div>
          <div>
            <TextField label={trans.__('Title')} required value={form.title} onChange={set('title')} />
          </div>
          <div>
            <TextField label={trans.__('Members')} hint="ada, grace" required value={form.members} onChange={set('members')} />
          </div>
        </div>
        <Problem text={problem ?? projects.problem} />
        <div className="wb-Actions">
          <Button submit disabled={busy || Object.values(form).some(value => value.trim() === '')}>
            {trans.__('Save project')}
          </Button>
        </div>
      </form>
    </>
  );
}
