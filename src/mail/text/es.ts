import type { MailTexts } from './mail-texts.ts';

export const es: MailTexts = {
  seat_requested: ({ person, personEmail, product, account }) => ({
    subject: `${person} pide un puesto en ${product}`,
    lines: [
      `${person} (${personEmail}) quiere usar ${product} y no tiene ningún puesto asignado.`,
      `Recibe este correo porque administra ${account}. Asigne un puesto si ${person} debe tenerlo.`,
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
  help: ({ url, email }) => `¿Preguntas? ${[url, email].filter(Boolean).join(' · ')}`,
};
