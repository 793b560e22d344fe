/** The live view of a cluster; the kernel holds all that is true of it. */

function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

function time(minutes) {
  const hours = Math.floor(minutes / 60);
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes} min`;
}

function memory(mib) {
  return mib >= 1024 ? `${(mib / 1024).toFixed(1)} GiB` : `${mib} MiB`;
}

function render({ model, el }) {
  const state = element('span', { role: 'status' });
  const figures = element('dl');
  const count = element('input', { type: 'number', min: '1', max: '64', 'aria-label': 'Workers wanted' });
  const scale = element('button', { type: 'submit' }, 'Scale');
  const close = element('button', { type: 'button' }, 'Close cluster');
  const form = element('form', {}, element('label', {}, 'Workers ', count), scale, close);
  const problem = element('p', { class: 'wb-cluster-problem', role: 'alert' });
  const box = element(
    'section',
    // Without the mark the notebook's own shortcuts would take the keys, Enter first of all.
    { class: 'wb-cluster', 'aria-label': 'Cluster', 'data-lm-suppress-shortcuts': 'true' },
    element('p', {}, element('strong', {}, 'Cluster'), element('span', { class: 'wb-cluster-dot' }), state),
    figures,
    form,
    problem
  );
  const show = () => {
    const facts = model.get('facts');
    const runs = facts.state === 'running';
    box.dataset.state = facts.state;
    state.textContent = runs ? 'running' : `closed${facts.why && facts.why !== 'closed' ? `: ${facts.why}` : ''}`;
    const rows = runs
      ? [
          [`${facts.kind} workers`, `${facts.actual} of ${facts.wanted}`],
          ['Memory', memory(facts.memory_mib)],
          ['Tasks', String(facts.tasks)],
          ['Idle', facts.tasks ? 'no' : time(facts.idle_min)],
          ['Time left', time(facts.left_min)]
        ]
      : [];
    figures.replaceChildren(
      ...rows.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value)))
    );
    form.hidden = !runs;
    if (document.activeElement !== count) {
      count.value = String(facts.wanted);
    }
    problem.textContent = model.get('problem');
  };
  const ask = event => {
    event.preventDefault();
    model.send({ verb: 'scale', workers: Number(count.value) });
  };
  form.addEventListener('submit', ask);
  // A notebook takes the Enter that would submit the form for itself.
  count.addEventListener('keydown', event => {
    if (event.key === 'Enter') {
      ask(event);
    }
  });
  close.addEventListener('click', () => {
    model.send({ verb: 'close' });
  });
  model.on('change:facts', show);
  model.on('change:problem', show);
  show();
  el.append(box);
  return () => {
    model.off('change:facts', show);
    model.off('change:problem', show);
  };
}

export default { render };
