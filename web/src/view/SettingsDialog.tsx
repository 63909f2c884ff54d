// The settings of this browser: look, language, notifications, sound.

import { useState } from 'preact/hooks';

import { LANGUAGES } from '../locales';
import { t } from '../locales';
import type { Settings } from '../store/model';
import { askToNotify, knowsNotifications, playTone } from './attention';
import { ChoiceSetting } from './ChoiceSetting';
import { useStore } from './context';
import { Dialog } from './Dialog';
import { closeDialog } from './FormDialog';
import { SwitchSetting } from './SwitchSetting';
import { dialog } from './ui';

export function SettingsDialog() {
  const store = useStore();
  const { theme, language, sound } = store.settings.value;
  const set = (change: Partial<Settings>) => store.actions.setSettings(change);
  return (
    <Dialog title={t('settings.title')} onClose={closeDialog}>
      <ChoiceSetting
        label={t('settings.theme')}
        name="theme"
        value={theme}
        choices={[
          ['system', t('settings.theme-system')],
          ['light', t('settings.theme-light')],
          ['dark', t('settings.theme-dark')],
        ]}
        onChange={(value) => set({ theme: value })}
      />
      <ChoiceSetting
        label={t('settings.language')}
        name="language"
        value={language ?? ''}
        choices={[['', t('settings.language-browser')], ...LANGUAGES]}
        onChange={(value) => set({ language: value === '' ? null : value })}
      />
      <Notifications />
      <SwitchSetting
        label={t('settings.sound')}
        text={t('settings.sound-text')}
        on={sound}
        onChange={(on) => {
          set({ sound: on });
          if (on) void playTone();
        }}
      />
      <div class="setting">
        <div class="setting-label">
          <b>{t('settings.sessions')}</b>
          <span class="note">{t('settings.sessions-text')}</span>
        </div>
        <button type="button" class="button quiet" onClick={() => (dialog.value = { kind: 'sessions' })}>
          {t('settings.show')}
        </button>
      </div>
    </Dialog>
  );
}

/** The browser is asked for its permission when the user turns this on, and at no other time. */
function Notifications() {
  const store = useStore();
  const [denied, setDenied] = useState(knowsNotifications() && Notification.permission === 'denied');
  const turn = async (on: boolean) => {
    const allowed = on && (await askToNotify());
    setDenied(on && !allowed);
    store.actions.setSettings({ notifications: allowed });
  };
  const text = !knowsNotifications()
    ? t('settings.notifications-none')
    : denied
      ? t('settings.notifications-denied')
      : t('settings.notifications-text');
  return (
    <SwitchSetting
      label={t('settings.notifications')}
      text={text}
      on={store.settings.value.notifications && !denied}
      disabled={!knowsNotifications()}
      onChange={(on) => void turn(on)}
    />
  );
}
