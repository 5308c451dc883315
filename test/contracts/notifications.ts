import type { Notifications } from '../../functions/core/ports.ts';
import { bytes, text } from './bytes.ts';

/** One program's notifications and another's, of the same instance. */
export interface NotificationsUnderTest {
  readonly instance: string;
  readonly notifications: Notifications;
  readonly other: Notifications;
}

/** What every implementation of Notifications must do. */
export function describeNotificationsContract(name: string, make: () => Promise<NotificationsUnderTest>): void {
  describe(`notifications contract: ${name}`, () => {
    let subject: string;
    let notifications: Notifications;
    let other: Notifications;
    beforeEach(async () => {
      const made = await make();
      ({ notifications, other } = made);
      subject = `fk.${made.instance}.out.c`;
    });

    const hear = async (on: Notifications, pattern: string) => {
      const heard: string[] = [];
      const subscription = on.subscribe(pattern, (payload, at) =>
        heard.push(`${at.slice(subject.length)}=${text(payload)}`),
      );
      await on.flush();
      return { heard, close: () => subscription.close() };
    };
    /** Everything published before on this connection has reached its subscribers here. */
    const arrived = async () => {
      await notifications.flush();
      await other.flush();
    };

    test('what one publishes after another subscribed arrives, in order', async () => {
      const { heard, close } = await hear(other, `${subject}.a`);
      for (let i = 0; i < 500; i++) notifications.publish(`${subject}.a`, bytes(String(i)));
      notifications.publish(`${subject}.b`, bytes('not for us'));
      await arrived();
      expect(heard).toEqual(Array.from({ length: 500 }, (_, i) => `.a=${i}`));
      close();
    });

    test('a wildcard hears a whole subtree', async () => {
      const { heard, close } = await hear(other, `${subject}.>`);
      notifications.publish(`${subject}.a`, bytes('1'));
      notifications.publish(`${subject}.a.b`, bytes('2'));
      await arrived();
      expect(heard).toEqual(['.a=1', '.a.b=2']);
      close();
    });

    test('a closed subscription hears nothing more', async () => {
      const { heard, close } = await hear(other, `${subject}.a`);
      close();
      await other.flush();
      notifications.publish(`${subject}.a`, bytes('late'));
      await arrived();
      expect(heard).toEqual([]);
    });
  });
}
