import type { MailTexts } from './mail-texts.ts';

export const ja: MailTexts = {
  seat_requested: ({ person, personEmail, product, account }) => ({
    subject: `${person} さんが ${product} の利用枠を希望しています`,
    lines: [
      `${person} さん（${personEmail}）は ${product} の利用を希望していますが、利用枠が割り当てられていません。`,
      `このメールは ${account} の管理者の方にお送りしています。必要であれば、利用枠を割り当ててください。`,
    ],
  }),
  password_reset: ({ minutes }) => ({
    subject: '新しいパスワードの設定',
    lines: ['このアドレスについて、新しいパスワードの設定が申し込まれました。'],
    button: '新しいパスワードを設定する',
    codeLabel: 'または、申し込んだ画面に次のコードを入力してください。',
    after: [
      `リンクとコードは一度だけ、${minutes} 分間有効です。`,
      'お心当たりがない場合は、何もする必要はありません。パスワードは変更されていません。',
    ],
  }),
  password_reset_by_company: ({ account }) => ({
    subject: '会社のアカウントでサインインしてください',
    lines: [
      'このアドレスについて、新しいパスワードの設定が申し込まれました。',
      `${account} の方は My Company ID でサインインするため、パスワードはありません。うまくいかない場合は、会社の担当部署にお問い合わせください。`,
    ],
  }),
  password_changed: () => ({
    subject: 'パスワードが変更されました',
    lines: [
      'パスワードが変更され、すべての端末からサインアウトされました。',
      'お心当たりがない場合は、すぐに新しいパスワードを設定し、管理者に連絡してください。',
    ],
  }),
  invitation: ({ account, inviter, products, days }) => ({
    subject: `${account} への招待`,
    lines: [
      `${inviter ?? account} から ${account}${products.length > 0 ? `（${products.join('、')}）` : ''} に招待されました。`,
    ],
    button: '招待を受ける',
    after: [`リンクは一度だけ、${days} 日間有効です。`],
  }),
  help: ({ url, email }) => `お問い合わせ: ${[url, email].filter(Boolean).join(' · ')}`,
};
