import type { DenialTexts } from './denial-texts.ts';

const support = 'Póngase en contacto con soporte e indique el número de caso.';

export const es: DenialTexts = {
  names: ({ account = 'su empresa', product = 'esta aplicación' }) => ({ account, product }),
  signUp: 'O regístrese.',
  denials: {
    user_deactivated: () => ({
      title: 'Su acceso está desactivado',
      text: 'Un administrador ha desactivado su acceso.',
      remedies: ['Pida a un administrador de su cuenta que vuelva a activarlo.'],
    }),
    user_not_activated: () => ({
      title: 'Su acceso aún no está activado',
      text: 'Ha recibido una invitación, pero aún no ha activado su acceso.',
      remedies: [
        'Busque la invitación en su correo o pida que se la enviemos de nuevo.',
        'O pida a su administrador que le invite otra vez.',
      ],
    }),
    no_account: ({ product }) => ({
      title: 'No tiene ninguna cuenta aquí',
      text: `No pertenece a ninguna cuenta que pueda usar ${product}.`,
      remedies: [
        'Pida a la persona responsable de la facturación o a un administrador que le añada a la cuenta de su empresa.',
      ],
    }),
    account_lapsed: ({ account }) => ({
      title: 'La cuenta ha vencido',
      text: `La suscripción de ${account} ha vencido.`,
      remedies: ['Pida a la persona responsable de la facturación que la renueve.'],
    }),
    account_suspended: ({ account }) => ({
      title: 'La cuenta está suspendida',
      text: `La cuenta de ${account} ha sido suspendida.`,
      remedies: [support],
    }),
    account_closed: ({ account }) => ({
      title: 'La cuenta está cerrada',
      text: `La cuenta de ${account} ha sido cerrada.`,
      remedies: [support],
    }),
    product_not_subscribed: ({ account, product }) => ({
      title: `Su suscripción no incluye ${product}`,
      text: `La cuenta de ${account} no tiene ninguna suscripción a ${product}.`,
      remedies: ['Consulte a un administrador de su cuenta.'],
    }),
    no_seat: ({ account, product }) => ({
      title: `No tiene ningún puesto para ${product}`,
      text: `La cuenta de ${account} usa ${product}, pero usted no tiene ningún puesto asignado.`,
      remedies: [
        'Solicite un puesto: los administradores de su cuenta recibirán un correo.',
        'O pídaselo directamente a un administrador o a la persona responsable de la facturación.',
      ],
    }),
    seat_not_yet: ({ product }) => ({
      title: 'Su puesto aún no es válido',
      text: `Su puesto para ${product} empieza más adelante.`,
      remedies: ['Hable con un administrador de su cuenta si lo necesita antes.'],
    }),
    seat_ended: ({ product }) => ({
      title: 'Su puesto ha terminado',
      text: `Su puesto para ${product} ha terminado.`,
      remedies: ['Pida a un administrador de su cuenta que se lo asigne de nuevo.'],
    }),
    sso_required: ({ account }) => ({
      title: 'Inicie sesión con My Company ID',
      text: `La cuenta de ${account} exige iniciar sesión con My Company ID.`,
      remedies: ['Inicie sesión con My Company ID.'],
    }),
    role_required: ({ account }) => ({
      title: 'Solo para administradores',
      text: `Solo un administrador de la cuenta de ${account} puede usar esto.`,
      remedies: ['Pida a un administrador de su cuenta que lo haga o que le dé ese permiso.'],
    }),
  },
};
