/** The style sheet comes into the module as text. */
declare module '*.css' {
  const text: string;
  export default text;
}
