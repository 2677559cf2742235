import { chooseLocale, type Locale } from '../../kernel/locale.ts';

interface ScopeTexts {
  readonly openid: string;
  readonly profile: string;
  readonly email: string;
  readonly offline_access: string;
}

const catalogues: Readonly<Record<Locale, ScopeTexts>> = {
  en: {
    openid: 'Know who you are',
    profile: 'See your name and language',
    email: 'See your email address',
    offline_access: 'Keep this access while you are away',
  },
  de: {
    openid: 'Wissen, wer Sie sind',
    profile: 'Ihren Namen und Ihre Sprache sehen',
    email: 'Ihre E-Mail-Adresse sehen',
    offline_access: 'Diesen Zugriff auch behalten, wenn Sie nicht da sind',
  },
  es: {
    openid: 'Saber quién es usted',
    profile: 'Ver su nombre y su idioma',
    email: 'Ver su dirección de correo electrónico',
    offline_access: 'Mantener este acceso cuando usted no esté',
  },
  fr: {
    openid: 'Savoir qui vous êtes',
    profile: 'Voir votre nom et votre langue',
    email: 'Voir votre adresse e-mail',
    offline_access: 'Conserver cet accès en votre absence',
  },
  ja: {
    openid: 'お客様が誰であるかを確認する',
    profile: '名前と言語を見る',
    email: 'メールアドレスを見る',
    offline_access: 'お客様が利用していない間もこのアクセスを保持する',
  },
};

/** What a scope lets a client do; of a scope of somebody's API nothing is known but its name. */
export function scopeText(name: string, locale: string): string {
  return new Map<string, string>(Object.entries(catalogues[chooseLocale(locale)])).get(name) ?? name;
}
