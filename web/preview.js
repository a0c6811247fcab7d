// The first rows of what would be in the file, and about how many there are.
import { complain, mayPass, settle } from './complaint.js';
import { bones, find, make, say, scroller, table } from './dom.js';
import { kindName, moment, word } from './words.js';

/** Opens the panel; `read` is the request as the form has it, `refused` takes errors that belong beside its fields. */
export function openPreview({ api, signal, read, refused }) {
  const [box, inside] = [find('#preview-alert'), find('#preview-inside')];
  let answer = null;
  let turn = 0;
  let asked = '';
  const write = () => {
    if (answer) inside.replaceChildren(...answer.previews.map((preview) => one(preview, 'environment' in (JSON.parse(asked).filters ?? {}))), make('p', { className: 'hint' }, word('asOf', moment(answer.as_of))));
    else inside.replaceChildren(make('p', { className: 'hint' }, word('previewHint')));
  };
  const look = async () => {
    const mine = ++turn;
    const request = read();
    asked = JSON.stringify(request);
    settle(box);
    answer = null;
    inside.replaceChildren(...bones(3));
    inside.ariaBusy = 'true';
    try {
      const came = await api.preview(request);
      if (mine === turn) answer = came;
    } catch (error) {
      if (mine === turn && !refused(error)) complain(box, error, { retry: mayPass(error) ? look : undefined });
    }
    if (mine !== turn) return;
    inside.ariaBusy = null;
    write();
    if (!answer) return;
    say(find('#news'), answer.previews.map((one) => `${kindName(one.kind)}: ${total(one)}`).join('. '));
    find('#preview').scrollIntoView({ block: 'nearest' });
  };
  const stale = () => {
    if (!answer || inside.querySelector('.stale') || JSON.stringify(read()) === asked) return;
    inside.prepend(make('p', { className: 'hint warn stale' }, word('previewStale')));
  };
  document.addEventListener('language', () => { write(); stale(); }, { signal });
  settle(box);
  write();
  return { look, stale };
}

/** Where no minute was sampled, what was counted is all that is known. */
const isLeast = ({ exact, sampled_minutes: minutes }) => !exact && minutes === 0;
const total = (one) => word(isLeast(one) ? 'leastRows' : one.exact ? 'rows' : 'aboutRows', one.about_rows);

function one(preview, byEnvironment) {
  const { kind, columns, rows, exact, sampled_minutes: minutes } = preview;
  const how = isLeast(preview) ? '' : exact ? word('countedExactly') : word('estimatedFrom', minutes);
  const found = make('div', { className: 'found' },
    make('h3', {}, kindName(kind)),
    make('p', { className: 'figure' }, make('b', {}, total(preview)),
      make('span', { className: 'soft' }, ` ${how}`)));
  if (rows.length === 0) {
    found.append(make('p', { className: 'hint' }, [word('previewEmpty'), byEnvironment && word('byEnvironment')].filter(Boolean).join(' ')));
    return found;
  }
  const caption = word('firstRows', kindName(kind), rows.length);
  found.append(scroller(caption, table(caption, columns, rows)));
  return found;
}
