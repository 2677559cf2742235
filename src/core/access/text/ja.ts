import type { DenialTexts } from './denial-texts.ts';

const support = 'ケース番号を添えて、サポートにお問い合わせください。';

export const ja: DenialTexts = {
  names: ({ account, product = 'このアプリケーション' }) => ({
    account: account === undefined ? 'お客様の会社' : `「${account}」`,
    product,
  }),
  signUp: 'または、新規登録してください。',
  denials: {
    user_deactivated: () => ({
      title: 'アクセスが無効になっています',
      text: '管理者によってアクセスが無効にされました。',
      remedies: ['アカウントの管理者に、再び有効にするよう依頼してください。'],
    }),
    user_not_activated: () => ({
      title: 'アクセスがまだ有効になっていません',
      text: '招待されていますが、アクセスがまだ有効になっていません。',
      remedies: [
        '招待メールを確認するか、もう一度送信してください。',
        'または、管理者にもう一度招待するよう依頼してください。',
      ],
    }),
    no_account: ({ product }) => ({
      title: 'アカウントがありません',
      text: `${product} を利用できるアカウントに所属していません。`,
      remedies: ['請求担当者または管理者に、会社のアカウントへの追加を依頼してください。'],
    }),
    account_lapsed: ({ account }) => ({
      title: 'アカウントの有効期限が切れています',
      text: `${account}の契約は期限が切れています。`,
      remedies: ['請求担当者に更新を依頼してください。'],
    }),
    account_suspended: ({ account }) => ({
      title: 'アカウントが停止されています',
      text: `${account}のアカウントは停止されています。`,
      remedies: [support],
    }),
    account_closed: ({ account }) => ({
      title: 'アカウントが閉鎖されています',
      text: `${account}のアカウントは閉鎖されました。`,
      remedies: [support],
    }),
    product_not_subscribed: ({ account, product }) => ({
      title: `${product} は契約に含まれていません`,
      text: `${account}のアカウントは ${product} を契約していません。`,
      remedies: ['アカウントの管理者にご相談ください。'],
    }),
    no_seat: ({ account, product }) => ({
      title: `${product} の利用枠がありません`,
      text: `${account}のアカウントは ${product} を利用していますが、お客様に利用枠が割り当てられていません。`,
      remedies: [
        '利用枠を申請してください。アカウントの管理者にメールが届きます。',
        'または、請求担当者か管理者に直接依頼してください。',
      ],
    }),
    seat_not_yet: ({ product }) => ({
      title: '利用枠の期間がまだ始まっていません',
      text: `${product} の利用枠の期間は、まだ始まっていません。`,
      remedies: ['早めに必要な場合は、アカウントの管理者にご相談ください。'],
    }),
    seat_ended: ({ product }) => ({
      title: '利用枠の期間が終了しました',
      text: `${product} の利用枠の期間は終了しました。`,
      remedies: ['アカウントの管理者に、もう一度割り当てるよう依頼してください。'],
    }),
    sso_required: ({ account }) => ({
      title: 'My Company ID でサインインしてください',
      text: `${account}のアカウントでは、My Company ID でのサインインが必要です。`,
      remedies: ['My Company ID でサインインしてください。'],
    }),
    role_required: ({ account }) => ({
      title: '管理者専用です',
      text: `${account}のアカウントの管理者だけが利用できます。`,
      remedies: ['アカウントの管理者に操作を依頼するか、管理者の権限を付与してもらってください。'],
    }),
  },
};
