import { foreignName, type MailTexts } from './mail-texts.ts';

export const ja: MailTexts = {
  seat_requested: ({ person, personEmail, product, account, days }) => ({
    subject: `${person} さんが ${product} の利用枠を希望しています`,
    lines: [
      `${person} さん（${personEmail}）は ${product} の利用を希望していますが、利用枠が割り当てられていません。`,
      `このメールは ${account} の管理者の方にお送りしています。`,
    ],
    button: '承認または却下する',
    after: [
      `リンクは ${days} 日間有効です。あなた専用のリンクで、これを持つ人はあなたの名前で決定できます。このメールを転送しないでください。`,
    ],
  }),
  seat_granted: ({ product, account, from }) => ({
    subject: `${product} の利用枠が割り当てられました`,
    lines: [
      `ご希望の ${product} の利用枠が、${account} から割り当てられました。`,
      from === null ? '今すぐサインインできます。' : `${from} から利用できます。`,
    ],
    button: `${product} へ進む`,
  }),
  seat_refused: ({ product, account }) => ({
    subject: `${product} の利用枠は今回割り当てられませんでした`,
    lines: [
      `ご希望の ${product} の利用枠について、${account} は割り当てないことに決めました。`,
      '必要な場合は、管理者にご相談ください。',
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
  certificate_expiring: ({ account, connection, whose, days, date }) => ({
    subject: `${account}：My Company ID の証明書があと${days}日で期限切れになります`,
    lines: [
      whose === 'idp'
        ? `接続「${connection}」で ID プロバイダーが署名に使う証明書は、${date} に期限が切れます。ID プロバイダー側で更新し、新しいメタデータがこちらに届いていることをご確認ください。`
        : `接続「${connection}」で当サービスが ID プロバイダーに対して署名に使う証明書は、${date} に期限が切れます。証明書を交換し、新しいものを ID プロバイダーに登録する必要があります。`,
      'その日を過ぎると、サインインできなくなるおそれがあります。',
    ],
  }),
  sign_in_address_changed: ({ account, connection, host }) => ({
    subject: `${account}：My Company ID の接続先のアドレスが変わりました`,
    lines: [
      `接続「${connection}」のメタデータに別のアドレスが記載されています。今後、サインインする方は ${host} に移動します。`,
      '変更に心当たりがない場合は、ID プロバイダーの管理者に確認を依頼してください。',
    ],
  }),
  break_glass_used: ({ person, account }) => ({
    subject: `${person}さんが My Company ID を使わずに${account}にサインインしました`,
    lines: [
      `${account}では My Company ID が必須ですが、${person}さんが今、パスワードでサインインしました。これは緊急用の管理者に認められている方法です。`,
      '理由に心当たりがない場合は、本人に確認し、監査ログをご覧ください。',
    ],
  }),
  identity_linked: ({ account }) => ({
    subject: 'My Company ID でサインインできるようになりました',
    lines: [
      `${account}の My Company ID で初めてサインインされました。今後はこの ID をご利用いただけます。ほかのすべての場所からはサインアウトされました。`,
      'お心当たりがない場合は、すぐに管理者にお知らせください。',
    ],
  }),
  link_code: ({ provider, external, minutes }) => ({
    subject: `${provider} で続けるためのコード`,
    lines: [
      `${provider} アカウント「${foreignName(external)}」でのサインインが始められ、このメールアドレスの持ち主であると申告されました。`,
    ],
    codeLabel: '続けるには、始めたウィンドウに次のコードを入力してください。',
    after: [
      `コードは ${minutes} 分間有効です。ほかの場所には入力せず、誰にも教えないでください。コードを知った人は、自分の ${provider} アカウントをあなたに関連付けることができます。`,
      'お心当たりがない場合は、何もする必要はありません。コードがなければ何も関連付けられません。',
    ],
  }),
  social_identity_linked: ({ provider, external }) => ({
    subject: `${provider} でサインインできるようになりました`,
    lines: [
      `${provider} アカウント「${foreignName(external)}」が関連付けられました。今後はこのアカウントでサインインできます。`,
      'お心当たりがない場合は、新しいパスワードを設定し、すぐに管理者にお知らせください。関連付けは解除できます。',
    ],
  }),
  social_identity_unlinked: ({ provider, external, days }) => ({
    subject: `${provider} ではサインインできなくなりました`,
    lines: [
      `${provider} アカウント「${foreignName(external)}」の関連付けが解除されました。今後は誰もこのアカウントでサインインできません。`,
      `お心当たりがない場合は、すぐに管理者にお知らせください。${days} 日以内であれば元に戻せます。`,
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
  domain_disputed: ({ account, domain, owns }) => ({
    subject: `${domain} が 2 つのアカウントから登録されています`,
    lines: owns
      ? [
          `${account} に属している ${domain} について、別のアカウントが所有を証明しました。`,
          '確認が終わるまで、何も変わりません。ドメインを売却または譲渡された場合は、お知らせください。',
        ]
      : [
          `${account} のために ${domain} の所有を証明されましたが、すでに別のアカウントに属しています。`,
          '確認のうえ、結果をお知らせします。',
        ],
  }),
  domain_dispute_resolved: ({ account, domain, owns }) => ({
    subject: `${domain} の帰属が決まりました`,
    lines: [
      owns
        ? `${domain} は ${account} に属します。`
        : `${domain} は ${account} に属しません。このドメインで My Company ID を使ってサインインしていた方は、今後サインインできません。`,
    ],
  }),
  domain_stale: ({ account, domain, recordName, recordValue, days }) => ({
    subject: `${domain} の証明が見つかりません`,
    lines: [
      `${account} の ${domain} を証明するレコードが 3 日間見つかっていません。このドメインの新しい方は My Company ID で入れません。これまでの方は引き続きサインインできます。`,
      `次の TXT レコードを DNS に再び追加してください。追加されない場合、${account} は ${days} 日後にこのドメインを失います。`,
      recordName,
      recordValue,
    ],
  }),
  domain_released: ({ account, domain }) => ({
    subject: `${account} は ${domain} を失いました`,
    lines: [
      `${domain} を証明するレコードが 1 か月以上見つかっていません。このドメインは ${account} に属さなくなり、My Company ID でのサインインには使えません。`,
      'いつでも再び登録できます。',
    ],
  }),
  help: ({ url, email }) => `お問い合わせ: ${[url, email].filter(Boolean).join(' · ')}`,
};
