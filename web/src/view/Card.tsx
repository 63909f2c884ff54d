// A notice in the corner, with the button that dismisses it.

import type { ComponentChildren } from 'preact';

import { t } from '../locales';
import { Icon, type IconName } from './Icon';
import { IconButton } from './IconButton';

interface CardProps {
  readonly icon: IconName;
  readonly title: string;
  readonly problem?: boolean;
  readonly onDismiss: () => void;
  readonly children?: ComponentChildren;
}

export function Card({ icon, title, problem, onDismiss, children }: CardProps) {
  return (
    <div class={problem === true ? 'notice problem' : 'notice'}>
      <Icon name={icon} />
      <div>
        <p class="notice-title">{title}</p>
        {children}
      </div>
      <IconButton icon="close" label={t('notice.dismiss')} onClick={onDismiss} />
    </div>
  );
}
