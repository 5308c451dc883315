import { isValidX509Id } from '@faaskeeper/protocol';
import { subjectOf } from '../../../client/gateway/tls/index.ts';
/** Certificates, and what X500Principal.getName() of Java 17 says of them. */
import subjects from './subjects.json' with { type: 'json' };

test.each(subjects)("the subject is Java's: $subject", ({ certificate, subject }) => {
  expect(subjectOf(Buffer.from(certificate, 'base64'))).toBe(subject);
});

test('what is no certificate has no subject', () => {
  const whole = Buffer.from(subjects[0]!.certificate, 'base64');
  for (const bytes of [Buffer.alloc(0), Buffer.from('nonsense'), whole.subarray(0, 100)]) {
    expect(() => subjectOf(bytes)).toThrow();
  }
});

test.each([
  ['', true],
  ['CN=ann', true],
  ['cn=ann, o=x', true],
  ['CN=a\\,b', true],
  ['CN="a,b"+OU=b;O=c', true],
  ['OID.2.5.4.3=a,2.5=#130161', true],
  ['CN=a=b', true],
  ['ann', false],
  ['X=1', false],
  ['CN=a,b', false],
  ['CN=a,', false],
  ['CN="a', false],
  ['CN=a<b', false],
  ['CN=a\\zz', false],
  ['3.1=a', false],
])('as Java says, %j is a distinguished name: %s', (id, valid) => {
  expect(isValidX509Id(id)).toBe(valid);
});
