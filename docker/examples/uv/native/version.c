#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <yaml.h>

static PyObject *version(PyObject *module, PyObject *arguments)
{
    (void)module;
    (void)arguments;
    return PyUnicode_FromString(yaml_get_version_string());
}

static PyMethodDef functions[] = {
    {"version", version, METH_NOARGS, "Return the version of the libyaml that is loaded."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "libyaml_version",
    .m_doc = "The version of libyaml, as the library itself tells it.",
    .m_size = 0,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit_libyaml_version(void)
{
    return PyModule_Create(&definition);
}
