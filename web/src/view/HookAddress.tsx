// The address of a new hook, which is told only once, and a command line that tries it.

import { useEffect, useState } from 'preact/hooks';

import { t } from '../locales';
import { AUTHORITY, hasOwnAuthority } from './authority';
import { CopyField } from './CopyField';

interface Props {
  readonly address: string;
  readonly onMore: () => void;
}

export function HookAddress({ address, onMore }: Props) {
  const [isOwn, setOwn] = useState(false);
  useEffect(() => void hasOwnAuthority().then(setOwn), []);
  const authority = isOwn ? '--cacert ca.pem ' : '';
  return (
    <div class="once">
      <p>{t('hooks.made')}</p>
      <CopyField label={t('hooks.address')} text={address} button={t('hooks.copy')} first />
      <p>{t('hooks.try')}</p>
      <CopyField
        label={t('hooks.command')}
        text={`curl ${authority}-d "${t('hooks.it-works')}" ${address}`}
        button={t('hooks.copy-command')}
      />
      {isOwn && (
        <p class="note">
          {t('hooks.authority')}{' '}
          <a href={AUTHORITY} download="ca.pem">
            ca.pem
          </a>
        </p>
      )}
      <div class="dialog-row">
        <button type="button" class="button quiet" onClick={onMore}>
          {t('hooks.more')}
        </button>
      </div>
    </div>
  );
}
