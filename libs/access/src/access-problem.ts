import { ResponseCode } from '@nestjs-rocketmq/protocol';

/**
 * How servers speak of access. ACL 1.0 answers SYSTEM_ERROR with the name of its exception; ACL 2.0
 * answers NO_PERMISSION, which others use for topics that are closed.
 */
const ofVersion1 = /\bAclException\b/;
const ofVersion2 = new RegExp(
  'username cannot be null|User:.* is (not found|disabled)|check signature failed|' +
    'has no permission to access',
  'i',
);

/** What to do, by what the remark says; the last one fits all. */
const advice: readonly (readonly [RegExp, string])[] = [
  [
    /No accessKey is configured|username cannot be null/i,
    "the server wants to know who asks: set the option 'credentials'",
  ],
  [
    /No acl config|No PlainAccessResource|is not found/i,
    "the server does not know this access key: check 'accessKey' of the option 'credentials'",
  ],
  [/signature failed/i, "the signature is wrong: check 'secretKey' of the option 'credentials'"],
  [/is disabled/i, 'the user is disabled: let an administrator enable it'],
  [/(?:)/, 'these credentials do not allow it: let an administrator grant the permission'],
];

/** What to do when an answer refuses for reasons of access; undefined when it is about something else. */
export function accessProblem(responseCode: number, remark: string): string | undefined {
  const isAccess =
    (responseCode === ResponseCode.SYSTEM_ERROR && ofVersion1.test(remark)) ||
    (responseCode === ResponseCode.NO_PERMISSION && ofVersion2.test(remark));
  return isAccess ? advice.find(([said]) => said.test(remark))?.[1] : undefined;
}
