import { foreignName, type MailTexts } from './mail-texts.ts';

export const es: MailTexts = {
  seat_requested: ({ person, personEmail, product, account, days }) => ({
    subject: `${person} pide un puesto en ${product}`,
    lines: [
      `${person} (${personEmail}) quiere usar ${product} y no tiene ningún puesto asignado.`,
      `Recibe este correo porque administra ${account}.`,
    ],
    button: 'Asignar o rechazar',
    after: [
      `El enlace sirve durante ${days} días. Es solo suyo: quien lo tenga decide en su nombre, así que no reenvíe este correo.`,
    ],
  }),
  seat_granted: ({ product, account, from }) => ({
    subject: `Ya tiene un puesto en ${product}`,
    lines: [
      `Usted pidió un puesto en ${product} y ${account} se lo ha asignado.`,
      from === null ? 'Ya puede iniciar sesión.' : `Empieza el ${from}.`,
    ],
    button: `Ir a ${product}`,
  }),
  seat_refused: ({ product, account }) => ({
    subject: `Por ahora no tendrá un puesto en ${product}`,
    lines: [
      `Usted pidió un puesto en ${product}. ${account} ha decidido no asignárselo.`,
      'Si aun así lo necesita, hable con su administrador.',
    ],
  }),
  password_reset: ({ minutes }) => ({
    subject: 'Establezca una contraseña nueva',
    lines: ['Alguien, esperamos que usted, ha pedido una contraseña nueva para esta dirección.'],
    button: 'Establecer una contraseña nueva',
    codeLabel: 'O escriba este código en la ventana en la que hizo la petición:',
    after: [
      `El enlace y el código sirven una sola vez, durante ${minutes} minutos.`,
      '¿No ha sido usted? Entonces no tiene que hacer nada: su contraseña no ha cambiado.',
    ],
  }),
  password_reset_by_company: ({ account }) => ({
    subject: 'Usted inicia sesión con su empresa',
    lines: [
      'Alguien, esperamos que usted, ha pedido una contraseña nueva para esta dirección.',
      `Aquí no tiene ninguna: las personas de ${account} inician sesión con My Company ID. Si no funciona, el soporte de su empresa puede ayudarle.`,
    ],
  }),
  certificate_expiring: ({ account, connection, whose, days, date }) => ({
    subject: `${account}: un certificado de My Company ID caduca en ${days === 1 ? 'un día' : `${days} días`}`,
    lines: [
      whose === 'idp'
        ? `El certificado con el que su proveedor de identidad firma para la conexión «${connection}» caduca el ${date}. Renuévelo allí y compruebe que los nuevos metadatos nos hayan llegado.`
        : `El certificado con el que firmamos ante su proveedor de identidad para la conexión «${connection}» caduca el ${date}. Hay que sustituirlo y entregar el nuevo a su proveedor de identidad.`,
      'Después de ese día es posible que nadie pueda iniciar sesión.',
    ],
  }),
  sign_in_address_changed: ({ account, connection, host }) => ({
    subject: `${account}: My Company ID lleva ahora a otra dirección`,
    lines: [
      `Los metadatos de la conexión «${connection}» indican otra dirección. Quienes inician sesión se envían ahora a ${host}.`,
      '¿No lo ha cambiado usted? Pida que lo revise quien administra su proveedor de identidad.',
    ],
  }),
  break_glass_used: ({ person, account }) => ({
    subject: `${person} ha entrado en ${account} sin My Company ID`,
    lines: [
      `${person} acaba de iniciar sesión con una contraseña, aunque ${account} exige My Company ID. Para eso están los administradores de emergencia.`,
      'Si no conoce el motivo, pregúntele y consulte el registro de auditoría.',
    ],
  }),
  identity_linked: ({ account }) => ({
    subject: 'Ya puede iniciar sesión con My Company ID',
    lines: [
      `Acaba de iniciar sesión por primera vez con el My Company ID de ${account}. Desde ahora le pertenece, y se ha cerrado su sesión en todos los demás sitios.`,
      '¿No ha sido usted? Avise enseguida a su administrador.',
    ],
  }),
  link_code: ({ provider, external, minutes }) => ({
    subject: `Su código para continuar con ${provider}`,
    lines: [
      `Alguien, esperamos que usted, quiere iniciar sesión con la cuenta de ${provider} «${foreignName(external)}» y dice que este buzón es suyo.`,
    ],
    codeLabel: 'Para continuar, escriba este código en la ventana en la que ha empezado:',
    after: [
      `El código es válido durante ${minutes} minutos. No lo escriba en ningún otro sitio ni se lo dé a nadie: quien lo tenga vinculará su cuenta de ${provider} a usted.`,
      '¿No ha sido usted? No tiene que hacer nada: sin el código no se vincula nada.',
    ],
  }),
  social_identity_linked: ({ provider, external }) => ({
    subject: `Ya puede iniciar sesión con ${provider}`,
    lines: [
      `La cuenta de ${provider} «${foreignName(external)}» acaba de vincularse a usted. Desde ahora puede iniciar sesión con ella.`,
      '¿No ha sido usted? Establezca una contraseña nueva y avise enseguida a su administrador: se puede desvincular.',
    ],
  }),
  social_identity_unlinked: ({ provider, external, days }) => ({
    subject: `Ya no inicia sesión con ${provider}`,
    lines: [
      `La cuenta de ${provider} «${foreignName(external)}» acaba de desvincularse de usted. Ya nadie puede iniciar sesión con ella.`,
      `¿No ha sido usted? Avise enseguida a su administrador: se puede deshacer durante ${days} días.`,
    ],
  }),
  password_changed: () => ({
    subject: 'Su contraseña ha cambiado',
    lines: [
      'Su contraseña acaba de cambiar y se ha cerrado su sesión en todas partes.',
      '¿No ha sido usted? Establezca otra de inmediato y avise a su administrador.',
    ],
  }),
  invitation: ({ account, inviter, products, days }) => ({
    subject: `Su invitación a ${account}`,
    lines: [
      `${inviter ?? account} le ha invitado a ${account}${products.length > 0 ? ` (${products.join(', ')})` : ''}.`,
    ],
    button: 'Aceptar la invitación',
    after: [`El enlace sirve una sola vez, durante ${days} días.`],
  }),
  domain_disputed: ({ account, domain, owns }) => ({
    subject: `Dos cuentas reclaman ${domain}`,
    lines: owns
      ? [
          `Otra cuenta ha demostrado que ${domain} es suyo; aquí pertenece a ${account}.`,
          'Para usted no cambia nada hasta que lo hayamos comprobado. ¿Se ha vendido o cedido el dominio? Entonces díganoslo, por favor.',
        ]
      : [
          `Ha verificado ${domain} para ${account}, pero otra cuenta ya lo tiene.`,
          'Lo estamos comprobando y le diremos qué se ha decidido.',
        ],
  }),
  domain_dispute_resolved: ({ account, domain, owns }) => ({
    subject: `Ya está decidido de quién es ${domain}`,
    lines: [
      owns
        ? `${domain} pertenece a ${account}.`
        : `${domain} no pertenece a ${account}. Quien iniciaba sesión con My Company ID mediante este dominio ya no puede hacerlo.`,
    ],
  }),
  domain_stale: ({ account, domain, recordName, recordValue, days }) => ({
    subject: `Falta la prueba de ${domain}`,
    lines: [
      `El registro que verifica ${domain} para ${account} no se encuentra desde hace tres días. Las personas nuevas de este dominio no pueden entrar con My Company ID; quienes ya estaban, sí.`,
      `Vuelva a añadir este registro TXT al DNS, por favor. De lo contrario, ${account} perderá el dominio dentro de ${days} días.`,
      recordName,
      recordValue,
    ],
  }),
  domain_released: ({ account, domain }) => ({
    subject: `${account} ha perdido ${domain}`,
    lines: [
      `El registro que verifica ${domain} falta desde hace más de un mes. El dominio ya no pertenece a ${account}, y nadie puede iniciar sesión con My Company ID mediante él.`,
      'Puede reclamarlo de nuevo en cualquier momento.',
    ],
  }),
  help: ({ url, email }) => `¿Preguntas? ${[url, email].filter(Boolean).join(' · ')}`,
};
